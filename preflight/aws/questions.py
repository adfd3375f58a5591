"""What is asked about a stack. Pure: from settings and plan to questions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from settings.arns import parts
from settings.aws import ExistingDns
from settings.stores import ManagedMySQL

from .look import OWNER_TAG, Look, Stack
from .lookup import Question

ENGINE = "aurora-mysql"
QUOTAS = {
    "vpcs": ("vpc", "L-F678F1CE"),
    "addresses": ("ec2", "L-0263D0A3"),
    "nat": ("vpc", "L-FE5A380F"),
    "cpus": ("ec2", "L-1216C47A"),
}
"""Service and code. VPCs per Region; EC2-VPC Elastic IPs; NAT gateways per Availability Zone; Running On-Demand Standard (A, C,
D, H, I, M, R, T, Z) instances, in vCPU. Source: AWS General Reference, "Service endpoints and quotas"."""
_LIVING = {"name": "state", "values": ["pending", "available"]}
"""A NAT gateway is listed for an hour after it was deleted."""

_MOST_NEIGHBOURS = 20
"""More VPCs than this are not compared: each costs a call, and an account has 5 unless it asked for more."""

Questions = dict[str, Question]


def first(stack: Stack) -> Questions:
    """What can be asked at once."""
    questions: Questions = {
        "caller": Question(function="index/getCallerIdentity", arguments={}, about="the caller's identity"),
        "zones": Question(
            function="index/getAvailabilityZones",
            arguments={"state": "available", "filters": [{"name": "zone-type", "values": ["availability-zone"]}]},
            about="the region's availability zones",
        ),
    }
    for part in (_cluster, _machines, _network, _quotas, _mysql, _brought):
        questions |= part(stack)
    return questions


def then(look: Look) -> Questions:
    """What can be asked once the first answers are there."""
    return _neighbours(look) | _same_name(look) | _trust(look)


def _same_name(look: Look) -> Questions:
    taken = look.stack.made_cluster and look.stack.cluster_name in look.values("clusters", "names")
    return {"cluster": _the_cluster(look.stack)} if taken else {}


def _trust(look: Look) -> Questions:
    issuer = oidc_issuer(look.found("cluster") or {})
    if look.stack.brought_cluster is None or issuer is None:
        return {}
    about = "IAM's OIDC provider for the cluster"
    return {"oidc": Question(function="iam/getOpenIdConnectProvider", arguments={"url": issuer}, about=about)}


def _neighbours(look: Look) -> Questions:
    """The other VPCs of the region, as long as the stack's own is not among them."""
    if look.stack.made_network is None or look.values("own vpcs", "ids"):
        return {}
    return {
        f"vpc {each}": Question(
            function="ec2/getVpc", arguments={"id": each}, about=f"the addresses of {each}", optional=True
        )
        for each in look.values("all vpcs", "ids")[:_MOST_NEIGHBOURS]
    }


def oidc_issuer(cluster: Mapping[str, Any]) -> str | None:
    """URL of the issuer of a cluster's tokens; None where the answer has none."""
    oidcs = [oidc for identity in cluster.get("identities") or () for oidc in identity.get("oidcs") or ()]
    return oidcs[0].get("issuer") if oidcs else None


def _the_cluster(stack: Stack) -> Question:
    return Question(
        function="eks/getCluster", arguments={"name": stack.cluster_name}, about=f"the cluster {stack.cluster_name}"
    )


def _cluster(stack: Stack) -> Questions:
    if stack.brought_cluster:
        return {"cluster": _the_cluster(stack)}
    return {
        "clusters": Question(function="eks/getClusters", arguments={}, about="the names of clusters"),
        "versions": Question(
            function="eks/getClusterVersions",
            arguments={"includeAll": True},
            about="the versions that EKS supports",
            optional=True,
        ),
    }


def _machines(stack: Stack) -> Questions:
    types = sorted({each for pool in stack.pools.values() for each in pool.instance_types})
    if not types:
        return {}
    arguments = {"locationType": "availability-zone", "filters": [{"name": "instance-type", "values": types}]}
    about = "the instance types that each zone offers"
    return {"offerings": Question(function="ec2/getInstanceTypeOfferings", arguments=arguments, about=about)}


def _network(stack: Stack) -> Questions:
    brought = stack.brought_network
    if brought is None:
        return {}
    subnets = (*brought.private_subnet_ids, *brought.public_subnet_ids, *(brought.database_subnet_ids or ()))
    return {
        "vpc": Question(function="ec2/getVpc", arguments={"id": brought.vpc_id}, about=f"the VPC {brought.vpc_id}"),
        **{
            f"subnet {each}": Question(function="ec2/getSubnet", arguments={"id": each}, about=f"the subnet {each}")
            for each in subnets
        },
    }


def _quotas(stack: Stack) -> Questions:
    """Quotas, with what is used of them: by all, and by the stack itself."""
    wanted = (["vpcs", "addresses", "nat"] if stack.made_network else []) + (["cpus"] if stack.pools else [])
    questions = {
        f"quota {name}": Question(
            function="servicequotas/getServiceQuota",
            arguments={"serviceCode": QUOTAS[name][0], "quotaCode": QUOTAS[name][1]},
            about=f"the quota {QUOTAS[name][1]}",
            optional=True,
        )
        for name in wanted
    }
    if stack.made_network:
        functions = {"vpcs": "ec2/getVpcs", "addresses": "ec2/getEips", "nat": "ec2/getNatGateways"}
        for name, function in functions.items():
            only: dict[str, Any] = {"filters": [_LIVING]} if name == "nat" else {}
            for whose, tags in (("all", {}), ("own", {"tags": {OWNER_TAG: stack.owner}})):
                about = f"what is used of the quota {QUOTAS[name][1]}"
                questions[f"{whose} {name}"] = Question(
                    function=function, arguments=only | tags, about=about, optional=True
                )
    return questions


def _mysql(stack: Stack) -> Questions:
    made = stack.settings.mysql
    if not isinstance(made, ManagedMySQL):
        return {}
    questions = {
        "engine": Question(
            function="rds/getEngineVersion",
            arguments={"engine": ENGINE, "version": made.version},
            about=f"the version {made.version} of Aurora",
        )
    }
    if stack.plan.mysql and stack.plan.mysql.class_name:
        name = stack.plan.mysql.class_name
        questions["database"] = Question(
            function="rds/getOrderableDbInstance",
            # Aurora's second kind of storage would be a second answer, and the function wants exactly one
            arguments={
                "engine": ENGINE,
                "engineVersion": made.version,
                "instanceClass": name,
                "storageType": "aurora",
                "vpc": True,
            },
            about=f"the database class {name}",
        )
    if made.snapshot_id:
        questions["snapshot"] = Question(
            function="rds/getClusterSnapshot",
            arguments={"dbClusterSnapshotIdentifier": made.snapshot_id, "includeShared": True},
            about=f"the snapshot {made.snapshot_id}",
        )
    return questions


def _brought(stack: Stack) -> Questions:
    aws, questions = stack.aws, Questions()
    if isinstance(aws.dns, ExistingDns):
        zone = aws.dns.zone_id
        about = f"the hosted zone {zone}"
        questions["zone"] = Question(function="route53/getZone", arguments={"zoneId": zone}, about=about)
    if aws.kms_key_arn:
        questions["key"] = Question(
            function="kms/getKey", arguments={"keyId": aws.kms_key_arn}, about=f"the KMS key {aws.kms_key_arn}"
        )
    if aws.load_balancer.waf_acl_arn:
        name = parts(aws.load_balancer.waf_acl_arn).resource.split("/")[2]
        arguments = {"name": name, "scope": "REGIONAL"}
        questions["waf"] = Question(function="wafv2/getWebAcl", arguments=arguments, about=f"the web ACL {name}")
    return questions
