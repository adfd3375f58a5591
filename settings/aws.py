"""Settings of the target `aws`: account, network, cluster, names and the way in."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field

from .arns import arn
from .aws_text import (
    BucketName,
    ClusterName,
    DomainName,
    KubernetesVersion,
    Pool,
    SubnetId,
    VpcId,
    Zone,
    ZoneId,
)
from .base import AccountId, Environment, InstanceTypeName, LogDays, Model, ObjectName, RegionName
from .cidr import Cidr
from .regions import REGIONS


class ManagedNetwork(Model):
    """A VPC that the stack makes: public, private and database subnets in every zone."""

    kind: Literal["managed"]
    """The stack makes it."""
    cidr: Cidr = "10.20.0.0/16"
    """Private addresses of the VPC, /16 to /20. Every pod takes one. Never change it later: the VPC, and all in it, would
    be made anew."""
    zones: list[Zone] | None = Field(default=None, min_length=1, max_length=6)
    """Availability zones, in an order that never changes: add at the end only. Default: the region's first three."""
    nat: Literal["per-zone", "single"] | None = None
    """How private subnets reach the internet. `per-zone`: a NAT gateway in each zone, so that none depends on another.
    `single`: one for all, which costs less and takes all zones offline with its own. Default: per-zone in production."""
    interface_endpoints: bool = False
    """Whether calls to AWS' own services (ECR, STS, logs, KMS, EC2, ...) stay in the VPC, at a price per endpoint and zone.
    S3 always does, free of charge."""
    flow_log_days: Literal[0, LogDays] = 90
    """Days that records of the VPC's traffic are kept; 0: none are made."""

    def nat_for(self, environment: Environment) -> Literal["per-zone", "single"]:
        """`nat` with the default filled in."""
        return self.nat or ("per-zone" if environment == "production" else "single")


class ExistingNetwork(Model):
    """A VPC that you bring."""

    kind: Literal["existing"]
    """You bring it."""
    vpc_id: VpcId
    """The VPC. DNS support and DNS host names must be on."""
    zones: list[Zone] = Field(min_length=1)
    """Availability zone of each of `privateSubnetIds`, in the same order."""
    private_subnet_ids: list[SubnetId] = Field(min_length=1)
    """Subnets of nodes and pods: one in each zone, with a way to the internet or to endpoints of AWS' services."""
    public_subnet_ids: list[SubnetId] = Field(default_factory=list)
    """Subnets of an internet-facing load balancer, in two zones or more. Not needed where `loadBalancer.scheme` is
    internal."""
    database_subnet_ids: list[SubnetId] | None = Field(default=None, min_length=1)
    """Subnets of Aurora and ElastiCache, in two zones or more. Default: the private ones."""

    @property
    def database_subnets(self) -> list[str]:
        """`database_subnet_ids` with the default filled in."""
        return self.private_subnet_ids if self.database_subnet_ids is None else self.database_subnet_ids


class Spot(Model):
    """Spare capacity at a lower price, which AWS may take back at two minutes' notice: for stateless pods alone."""

    max_nodes: int = Field(ge=1, le=450)
    """The most spot nodes that the autoscaler may add, beyond the nodes that the plan counts on."""
    instance_types: list[InstanceTypeName] | None = Field(default=None, min_length=1, max_length=20)
    """Types of equal size. More of them are taken back less often. Default: all that are as large as the other nodes."""


class ManagedCluster(Model):
    """An EKS cluster that the stack makes, with its nodes."""

    kind: Literal["managed"]
    """The stack makes it."""
    name: ClusterName | None = None
    """Name of the cluster, unique in account and region. Default: project and stack. Never change it later: the cluster
    would be made anew."""
    version: KubernetesVersion = "1.35"
    """Kubernetes' version. Raise it by one minor version at a time; it never goes back."""
    public_access_cidrs: list[Cidr] = Field(default_factory=list, max_length=40)
    """Public addresses that may reach the cluster's API. Default: none; then whoever runs Pulumi needs a way into the VPC."""
    admin_arns: list[Annotated[str, *arn("iam", "role|user", "arn:aws:iam::123456789012:role/platform-admin")]] = Field(
        default_factory=list
    )
    """IAM roles and users that administer the cluster, besides the one that made it."""
    log_days: LogDays = 90
    """Days that the control plane's logs are kept."""
    autoscaler: bool | None = None
    """Whether nodes come when pods find no room and go when they are idle. Default: true in production."""
    spot: Spot | None = None
    """Spot nodes for stateless pods. Default: none. Needs the autoscaler."""
    addon_versions: dict[str, str] = Field(default_factory=dict)
    """Versions of EKS add-ons (`vpc-cni`, `coredns`, ...) in place of those that are pinned for the cluster's version:
    `aws eks describe-addon-versions` lists them."""

    def autoscaled(self, environment: Environment) -> bool:
        """`autoscaler` with the default filled in."""
        return environment == "production" if self.autoscaler is None else self.autoscaler


class ExistingCluster(Model):
    """An EKS cluster that you bring, with its nodes. Its VPC is an existing network."""

    kind: Literal["existing"]
    """You bring it."""
    name: ClusterName
    """Name of the cluster."""
    storage_class: ObjectName | None = None
    """StorageClass of every volume that the stack makes. Default: the cluster's default class."""
    load_balancer_controller: Literal["managed", "installed"] = "managed"
    """AWS Load Balancer Controller. `managed`: the stack installs it; the cluster has the add-on eks-pod-identity-agent,
    which China does without. `installed`: it runs in the cluster."""
    oidc_provider_arn: (
        Annotated[
            str,
            *arn(
                "iam",
                "oidc-provider",
                "arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF",
            ),
        ]
        | None
    ) = None
    """IAM's OIDC provider for the cluster, by which pods get their roles; it exists. Default: the one that the account has
    for the cluster's issuer."""
    clickhouse_pool: Pool | None = None
    """Label, and NoSchedule taint where there is one, of nodes that are ClickHouse's alone, as in `dedicated=clickhouse`.
    Default: ClickHouse shares W&B's nodes."""


class ExistingDns(Model):
    """A public hosted zone of Route 53 that you bring."""

    kind: Literal["existing"]
    """You bring it."""
    zone_id: ZoneId
    """Id of the zone in which `host` is recorded and its certificate validated."""


class ManagedDns(Model):
    """A public hosted zone of Route 53 that the stack makes."""

    kind: Literal["managed"]
    """The stack makes it."""
    zone_name: DomainName
    """Name of the zone: `host`, or a domain above it. Its name servers, the output `nameServers`, must be put into the
    domain above while `pulumi up` waits for the certificate."""


class NoDns(Model):
    """No hosted zone: you bring a certificate, and point `host` at the output `loadBalancer` yourself."""

    kind: Literal["none"]
    """There is none."""


class LoadBalancer(Model):
    """The Application Load Balancer in front of W&B."""

    scheme: Literal["internet-facing", "internal"] = "internet-facing"
    """Where it is reached from: the internet, or the VPC and the networks that are joined to it."""
    inbound_cidrs: list[Cidr] = Field(default=["0.0.0.0/0"], min_length=1, max_length=30)
    """Addresses that may reach W&B: browsers and training machines. At most 30, because the load balancer's security group
    holds 60 rules: one for each block and port."""
    waf_acl_arn: (
        Annotated[
            str,
            *arn(
                "wafv2",
                "regional/webacl",
                "arn:aws:wafv2:eu-central-1:123456789012:regional/webacl/wandb/01234567-89ab-cdef-0123-456789abcdef",
            ),
        ]
        | None
    ) = None
    """Web ACL of AWS WAF, of scope regional, in the stack's region. Its rules must let large request bodies pass."""
    idle_timeout_seconds: int = Field(default=300, ge=60, le=4000)
    """Seconds after which a connection without traffic is closed. W&B's longest queries take minutes."""
    access_logs_bucket: BucketName | None = None
    """Bucket that receives the access logs. It exists, in the stack's region, and its policy lets load balancers write.
    Default: no access logs."""


Network = Annotated[ManagedNetwork | ExistingNetwork, Field(discriminator="kind")]
Cluster = Annotated[ManagedCluster | ExistingCluster, Field(discriminator="kind")]
Dns = Annotated[ExistingDns | ManagedDns | NoDns, Field(discriminator="kind")]


class AWS(Model):
    """The account and the region, and what is made or brought there."""

    region: RegionName
    """Region, such as `eu-central-1`."""
    account_id: AccountId
    """The account's twelve digits. With credentials of any other account nothing is done."""
    profile: str | None = Field(default=None, min_length=1)
    """Profile of the AWS configuration. Default: the credentials of the environment."""
    assume_role_arn: Annotated[str, *arn("iam", "role", "arn:aws:iam::123456789012:role/deploy")] | None = None
    """Role to take on before anything else. Default: none."""
    tags: dict[str, str] = Field(default_factory=dict, max_length=40)
    """Tags of everything that can have some."""
    kms_key_arn: (
        Annotated[
            str,
            *arn("kms", "key", "arn:aws:kms:eu-central-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef"),
        ]
        | None
    ) = None
    """KMS key that encrypts volumes, database, cache, buckets, Secrets and logs. Its policy must let these services use it:
    docs/aws.md has one. Default: the stack makes one."""
    network: Network = Field(default_factory=lambda: ManagedNetwork(kind="managed"))
    """The VPC and its subnets."""
    cluster: Cluster = Field(default_factory=lambda: ManagedCluster(kind="managed"))
    """The EKS cluster and its nodes."""
    dns: Dns = Field(default_factory=lambda: NoDns(kind="none"))
    """Where `host` is recorded."""
    certificate_arn: (
        Annotated[
            str,
            *arn(
                "acm",
                "certificate",
                "arn:aws:acm:eu-central-1:123456789012:certificate/01234567-89ab-cdef-0123-456789abcdef",
            ),
        ]
        | None
    ) = None
    """ACM certificate for `host`, in the stack's region. Default: one is issued and validated in the zone of `dns`."""
    load_balancer: LoadBalancer = Field(default_factory=LoadBalancer)
    """The Application Load Balancer in front of W&B."""

    def cluster_name(self, owner: str) -> str:
        """Name of the cluster of the stack `owner` (`<project>/<stack>`), with the default filled in: what EKS accepts of
        project and stack."""
        return self.cluster.name or re.sub(r"[^0-9A-Za-z-]+", "-", owner).strip("-")[:100]

    @property
    def zones(self) -> tuple[str, ...]:
        """The availability zones of the network, with the default filled in; empty where the region has no default."""
        if self.network.zones is not None:
            return tuple(self.network.zones)
        return REGIONS[self.region].default_zones if self.region in REGIONS else ()
