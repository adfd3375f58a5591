"""What the user brings: the account, as a stack's settings say that it is before the stack comes.

Everything is made as if it were right: a VPC with a way out and room in its subnets, a zone above the host, an issued
certificate for it. That the user's own things are so is what preflight finds out, and no rehearsal can.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from rehearsal.providers.base import Call
from rehearsal.providers.values import Properties
from settings.arns import parts
from settings.aws import ExistingCluster, ExistingDns, ExistingNetwork
from settings.model import Settings
from settings.stores import ExternalObjectStore, ManagedMySQL, ManagedObjectStore

from . import places, quotas, services
from .account import Account, Record
from .behaviour import Moment, behaviours
from .eks.grants import CALLER_ROLE
from .services.aurora import SNAPSHOT
from .services.iam_providers import OIDC_PROVIDER
from .services.names import CERTIFICATE, ZONE
from .services.references import KEY, ROLE, SUBNET, VPC
from .services.s3 import BUCKET

_BLOCK = ipaddress.ip_network("10.0.0.0/16")
"""Addresses of a brought VPC."""
_SUBNET_PREFIX = 20
"""4091 usable addresses for each brought subnet."""
_VCPUS = 1920
"""On-demand vCPUs: the quota that AWS gives in steps to accounts that have asked; with the default of 5 nothing starts."""


def seed(account: Account, settings: Settings) -> None:
    """Put there what the settings say that the user brings. What is there already stays as it is."""
    aws = settings.aws
    if aws is None:
        return
    services.load()
    account.call_it(aws.account_id)
    bring = _Bringer(account, aws.region, aws.account_id)
    bring(quotas.TOKEN, "ec2/L-1216C47A", {"serviceCode": "ec2", "quotaCode": "L-1216C47A", "value": _VCPUS})
    roles = [CALLER_ROLE] + [parts(aws.assume_role_arn).resource.rpartition("/")[2] for _ in [0] if aws.assume_role_arn]
    for arn in aws.cluster.admin_arns if not isinstance(aws.cluster, ExistingCluster) else ():
        roles += [parts(arn).resource.rpartition("/")[2]] if parts(arn).resource.startswith("role/") else []
    for name in dict.fromkeys(roles):
        bring(
            ROLE,
            name,
            {"name": name, "assumeRolePolicy": _TRUST},
            {"arn": bring.at.arn("iam", f"role/{name}", region="")},
        )
    if isinstance(aws.network, ExistingNetwork):
        _network(bring, aws.network)
    if isinstance(aws.cluster, ExistingCluster):
        _cluster(bring, aws.cluster, aws.network)
    if aws.kms_key_arn:
        _key(bring, aws.kms_key_arn)
    if isinstance(aws.dns, ExistingDns):
        bring(ZONE, aws.dns.zone_id, {"name": settings.host.partition(".")[2]})
    if aws.certificate_arn:
        _certificate(bring, aws.certificate_arn, settings.host)
    if aws.load_balancer.waf_acl_arn:
        _web_acl(bring, aws.load_balancer.waf_acl_arn)
    for name, region in _buckets(settings):
        bring.elsewhere(region)(BUCKET, name, {"bucket": name})
    _replication(bring, settings)
    if isinstance(settings.mysql, ManagedMySQL) and settings.mysql.snapshot_id:
        _snapshot(bring, settings.mysql.snapshot_id, settings.mysql.version)


class _Bringer:
    """Puts records of what was there before, completed as AWS would."""

    def __init__(self, account: Account, region: str, owner: str) -> None:
        place = places.partition(region)
        self.at = Moment(
            account=account,
            account_id=owner,
            region=region,
            partition=place.name,
            dns_suffix=place.dns_suffix,
            call=Call(urn="urn:pulumi:brought::brought::aws:index:Nothing::brought"),
            say=lambda message, *, fleeting=True, warning=False: None,
            wait=lambda duration: None,
        )

    def elsewhere(self, region: str | None) -> _Bringer:
        """The same in another region."""
        return self if region in (None, self.at.region) else _Bringer(self.at.account, region, self.at.account_id)

    def __call__(
        self, token: str, resource_id: str, inputs: Mapping[str, Any], more: Mapping[str, Any] | None = None
    ) -> Record:
        known = self.at.account.get(token, resource_id)
        if known is not None:
            return known
        call = Call(
            urn=f"urn:pulumi:brought::brought::{token}::{resource_id}", resource_id=resource_id, inputs=dict(inputs)
        )
        at = replace(self.at, call=call)
        outputs: Properties = {**inputs, **(more or {}), "region": at.region}
        for each in behaviours(token):
            outputs = {**outputs, **each.outputs(at, resource_id, outputs)}
        outputs |= more or {}
        record = Record(
            token=token, id=resource_id, region=at.region, inputs=dict(inputs), outputs=outputs, brought=True
        )
        self.at.account.put(record)
        return record


def _network(bring: _Bringer, network: ExistingNetwork) -> None:
    vpc = network.vpc_id
    tail = vpc.removeprefix("vpc-")
    bring(VPC, vpc, {"cidrBlock": str(_BLOCK), "enableDnsSupport": True, "enableDnsHostnames": True})
    gateway = bring("aws:ec2/internetGateway:InternetGateway", f"igw-{tail}", {"vpcId": vpc})
    blocks = _BLOCK.subnets(new_prefix=_SUBNET_PREFIX)
    public_table, private_table = f"rtb-{tail[:-1]}a", f"rtb-{tail[:-1]}b"
    for table in (public_table, private_table):
        bring("aws:ec2/routeTable:RouteTable", table, {"vpcId": vpc})
    kinds = (
        (network.private_subnet_ids, private_table, {"kubernetes.io/role/internal-elb": "1"}),
        (network.public_subnet_ids, public_table, {"kubernetes.io/role/elb": "1"}),
        (network.database_subnet_ids or (), private_table, {}),
    )
    for ids, table, tags in kinds:
        for index, each in enumerate(ids):
            zone = network.zones[index % len(network.zones)]
            if bring.at.account.get(SUBNET, each):
                continue
            inputs = {"vpcId": vpc, "cidrBlock": str(next(blocks)), "availabilityZone": zone, "tags": tags}
            bring(SUBNET, each, inputs, {"tagsAll": tags})
            association = {"subnetId": each, "routeTableId": table}
            bring("aws:ec2/routeTableAssociation:RouteTableAssociation", f"rtbassoc-{each[7:]}", association)
    out = {"routeTableId": public_table, "destinationCidrBlock": "0.0.0.0/0", "gatewayId": gateway.id}
    bring("aws:ec2/route:Route", f"r-{public_table}", out)
    if network.public_subnet_ids:
        nat = {"subnetId": network.public_subnet_ids[0], "allocationId": f"eipalloc-{tail}", "vpcId": vpc}
        bring("aws:ec2/eip:Eip", f"eipalloc-{tail}", {"domain": "vpc"})
        bring("aws:ec2/natGateway:NatGateway", f"nat-{tail}", nat, {"vpcId": vpc})
        way = {"routeTableId": private_table, "destinationCidrBlock": "0.0.0.0/0", "natGatewayId": f"nat-{tail}"}
        bring("aws:ec2/route:Route", f"r-{private_table}", way)


def _cluster(bring: _Bringer, cluster: ExistingCluster, network: Any) -> None:
    """The embedded control plane, as a cluster that somebody made long ago."""
    subnets = list(network.private_subnet_ids) if isinstance(network, ExistingNetwork) else []
    role = bring.at.arn("iam", f"role/{cluster.name}-cluster", region="")
    trust = _TRUST.replace("ec2.amazonaws.com", "eks.amazonaws.com")
    bring(
        ROLE, f"{cluster.name}-cluster", {"name": f"{cluster.name}-cluster", "assumeRolePolicy": trust}, {"arn": role}
    )
    inputs = {
        "name": cluster.name,
        "roleArn": role,
        "version": "1.35",
        "vpcConfig": {"subnetIds": subnets, "endpointPrivateAccess": True, "endpointPublicAccess": True},
        "accessConfig": {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": True},
    }
    made = bring("aws:eks/cluster:Cluster", cluster.name, inputs)
    issuer = made["identities"][0]["oidcs"][0]["issuer"]
    own = bring.at.arn("iam", f"oidc-provider/{issuer.removeprefix('https://')}", region="")
    for arn in dict.fromkeys(filter(None, (own, cluster.oidc_provider_arn))):
        url = arn.partition("oidc-provider/")[2]
        bring(OIDC_PROVIDER, arn, {"url": f"https://{url}", "clientIdLists": ["sts.amazonaws.com"]}, {"url": url})
    network_config = made["vpcConfig"]
    group = network_config["clusterSecurityGroupId"]
    bring(
        "aws:ec2/securityGroup:SecurityGroup", group,
        {"name": f"eks-cluster-sg-{cluster.name}", "vpcId": network_config["vpcId"], "description": "EKS created"},
    )  # fmt: skip
    if cluster.load_balancer_controller == "managed":  # which settings say needs the agent
        addon = {"clusterName": cluster.name, "addonName": "eks-pod-identity-agent"}
        bring("aws:eks/addon:Addon", f"{cluster.name}:eks-pod-identity-agent", addon)


def _key(bring: _Bringer, arn: str) -> None:
    found = parts(arn)
    name = found.resource.partition("/")[2]
    bring.elsewhere(found.region)(KEY, name, {"description": "brought", "enableKeyRotation": True}, {"arn": arn})


def _certificate(bring: _Bringer, arn: str, host: str) -> None:
    inputs = {"domainName": host, "validationMethod": "DNS"}
    dates = {"notBefore": "2026-01-01T00:00:00Z", "notAfter": "2027-01-31T23:59:59Z"}
    bring.elsewhere(parts(arn).region)(CERTIFICATE, arn, inputs, {"arn": arn, "status": "ISSUED", **dates})


def _web_acl(bring: _Bringer, arn: str) -> None:
    found = parts(arn)
    _, _, name, number = found.resource.split("/")
    inputs = {"name": name, "scope": "REGIONAL"}
    bring.elsewhere(found.region)("aws:wafv2/webAcl:WebAcl", number, inputs, {"arn": arn})


def _buckets(settings: Settings) -> Iterable[tuple[str, str | None]]:
    """Name and region of each bucket of S3 itself that is brought."""
    store = settings.object_store
    if isinstance(store, ExternalObjectStore):
        for each in (store.bucket, store.clickhouse_bucket):
            if each is not None and each.provider == "s3" and each.endpoint is None:
                # a bucket may be named with a prefix behind it
                yield each.name.partition("/")[0], each.region
    if settings.aws and settings.aws.load_balancer.access_logs_bucket:
        yield settings.aws.load_balancer.access_logs_bucket, settings.aws.region


def _replication(bring: _Bringer, settings: Settings) -> None:
    store = settings.object_store
    if not isinstance(store, ManagedObjectStore) or store.replication is None:
        return
    there = bring.elsewhere(store.replication.region)
    name = store.replication.bucket_arn.rpartition(":")[2]
    there(BUCKET, name, {"bucket": name})
    versioning = {"bucket": name, "versioningConfiguration": {"status": "Enabled"}}
    there("aws:s3/bucketVersioning:BucketVersioning", name, versioning)
    if store.replication.kms_key_arn:
        _key(bring, store.replication.kms_key_arn)


def _snapshot(bring: _Bringer, named: str, version: str) -> None:
    name = named.rpartition(":")[2]
    arn = named if named.startswith("arn:") else bring.at.arn("rds", f"cluster-snapshot:{name}")
    inputs = {"dbClusterSnapshotIdentifier": name, "engine": "aurora-mysql", "engineVersion": version}
    facts = {"dbClusterSnapshotArn": arn, "status": "available", "storageEncrypted": True}
    bring(SNAPSHOT, name, inputs, facts)


_TRUST = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},'
    '"Action":"sts:AssumeRole"}]}'
)
