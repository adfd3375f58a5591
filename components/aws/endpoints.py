"""Ways from a VPC to AWS' own services that do not lead through the internet."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
from pulumi_aws import ec2, vpc

from .account import Account
from .offered import WITHOUT_POD_IDENTITY

INTERFACE_SERVICES = (
    "autoscaling",
    "ec2",
    "ecr.api",
    "ecr.dkr",
    "eks",
    "eks-auth",
    "elasticloadbalancing",
    "kms",
    "logs",
    "secretsmanager",
    "sts",
)
"""What nodes, add-ons, the autoscaler, the load balancer controller and W&B call. Source: Amazon EKS User Guide, "Deploy
private clusters with limited internet access"; `eks-auth` is what the Pod Identity agent asks."""

REVERSED_SUFFIX = {
    "aws-cn": "cn.com.amazonaws",
    "aws-eusc": "eu.amazonaws",
    "aws-iso": "gov.ic.c2s",
    "aws-iso-b": "gov.sgov.sc2s",
    "aws-iso-e": "uk.adc-e.cloud",
    "aws-iso-f": "gov.ic.hci.csp",
}
LOCAL_SERVICES = {
    "aws-cn": {"autoscaling", "ec2", "ecr.api", "ecr.dkr", "eks", "sts"},
    "aws-eusc": {"ecr.api", "ecr.dkr"},
    "aws-iso": {"autoscaling", "ec2", "ecr.api", "ecr.dkr"},
    "aws-iso-b": {"autoscaling", "ec2", "ecr.api", "ecr.dkr"},
    "aws-iso-e": {"ecr.api", "ecr.dkr"},
    "aws-iso-f": {"ecr.api", "ecr.dkr"},
}
"""In these partitions the names of these services begin with the partition's own suffix, reversed; all others begin with
`com.amazonaws` as elsewhere. Source: AWS CDK, aws-ec2/lib/vpc-endpoint.ts, and `describe-vpc-endpoint-services`."""


MISSING_SERVICES = {partition: {"eks-auth"} for partition in WITHOUT_POD_IDENTITY}
"""What a partition does not have: nobody asks for credentials there by Pod Identity."""


def interface_services(partition: str) -> tuple[str, ...]:
    """Those of `INTERFACE_SERVICES` that the partition has."""
    return tuple(each for each in INTERFACE_SERVICES if each not in MISSING_SERVICES.get(partition, ()))


def endpoint_service(partition: str, region: str, service: str) -> str:
    """The name by which a VPC endpoint asks for a service, such as `com.amazonaws.eu-central-1.ecr.api`."""
    local = service in LOCAL_SERVICES.get(partition, ())
    return f"{REVERSED_SUFFIX[partition] if local else 'com.amazonaws'}.{region}.{service}"


def s3_endpoint(
    name: str,
    *,
    account: Account,
    vpc_id: pulumi.Input[str],
    route_tables: Sequence[pulumi.Input[str]],
    tag: str,
    parent: pulumi.Resource,
) -> ec2.VpcEndpoint:
    """The gateway endpoint of S3 on these route tables: it costs nothing, and a bucket's traffic pays no NAT gateway."""
    return ec2.VpcEndpoint(
        name,
        vpc_id=vpc_id,
        service_name=f"com.amazonaws.{account.region}.s3",
        vpc_endpoint_type="Gateway",
        route_table_ids=list(route_tables),
        tags={"Name": tag},
        opts=pulumi.ResourceOptions(parent=parent, provider=account.provider),
    )


def interface_endpoints(
    name: str,
    *,
    account: Account,
    vpc_id: pulumi.Input[str],
    cidr: str,
    subnets: Sequence[pulumi.Input[str]],
    tag: str,
    parent: pulumi.Resource,
) -> tuple[pulumi.Resource, ...]:
    """An endpoint in `subnets` for each of `interface_services`, under the service's usual name.

    One security group admits HTTPS from `cidr`, the VPC's addresses. Returns what has to exist for calls to pass.
    """
    opts = pulumi.ResourceOptions(parent=parent, provider=account.provider)
    group = ec2.SecurityGroup(
        name,
        vpc_id=vpc_id,
        description="HTTPS from the VPC to its endpoints",
        tags={"Name": tag},
        opts=opts,
    )
    rule = vpc.SecurityGroupIngressRule(
        name,
        security_group_id=group.id,
        description="HTTPS from the VPC",
        ip_protocol="tcp",
        from_port=443,
        to_port=443,
        cidr_ipv4=cidr,
        opts=opts,
    )
    endpoints = [
        ec2.VpcEndpoint(
            f"{name}-{service.replace('.', '-')}",
            vpc_id=vpc_id,
            service_name=endpoint_service(account.partition, account.region, service),
            vpc_endpoint_type="Interface",
            private_dns_enabled=True,
            subnet_ids=list(subnets),
            security_group_ids=[group.id],
            tags={"Name": f"{tag}-{service}"},
            opts=opts,
        )
        for service in interface_services(account.partition)
    ]
    return rule, *endpoints
