"""How long AWS takes, and the scale in which a rehearsal lives through it.

Seconds between the request and the moment at which the provider goes on: medians of public logs of Terraform runs where
there are some, else estimates that say so. "logs" means these `Creation complete after` lines in public repositories:

    EKS control plane  8m21s 8m23s 8m55s 9m6s 9m24s 10m12s 10m22s 10m23s 10m52s 11m3s 11m23s; deletion 1m9s to 3m48s
    node group         1m28s 1m48s 1m59s 2m10s 2m59s 3m21s; deletion 4m12s
    add-ons            coredns 14s to 56s, vpc-cni 35s to 1m5s, ebs-csi 45s, metrics-server 45s, kube-proxy 24s to 45s
    NAT gateway        1m25s 1m28s 1m34s 1m45s 1m47s 1m54s 2m4s 2m5s; deletion 42s to 1m34s
    ElastiCache        replication group of two nodes 5m58s 6m59s 9m7s 9m15s
    Aurora             cluster 43s, first instance 6m21s
    ACM validation     1m29s 1m47s 4m25s 8m52s (the record's own time not in it)

Everything else takes what its API call, propagation and the provider's own polling take, which is an estimate.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

SCALE = "REHEARSAL_SECONDS_PER_MINUTE"
"""Environment variable: real seconds that a minute of AWS takes in a rehearsal. 0: nothing takes time. Default: 1."""

Operation = Literal["create", "update", "delete"]


class BadScale(ValueError):
    """The environment variable holds no number."""


@dataclass(frozen=True, kw_only=True)
class Latency:
    """Seconds of AWS per operation, and where they come from."""

    create: float
    update: float
    delete: float
    source: str


ESTIMATE = "an estimate of this project, from what such calls usually take; nobody measured it"

_CALL = Latency(create=1, update=1, delete=1, source=ESTIMATE)

LATENCY: Mapping[str, Latency] = {
    "aws:ec2/vpc:Vpc": Latency(create=12, update=2, delete=1, source=ESTIMATE),
    "aws:ec2/subnet:Subnet": Latency(create=2, update=11, delete=1, source=ESTIMATE),
    "aws:ec2/natGateway:NatGateway": Latency(create=107, update=60, delete=60, source="logs"),
    "aws:ec2/eip:Eip": Latency(create=1, update=1, delete=1, source=ESTIMATE),
    "aws:ec2/internetGateway:InternetGateway": Latency(create=1, update=1, delete=10, source=ESTIMATE),
    "aws:ec2/securityGroup:SecurityGroup": Latency(create=3, update=1, delete=2, source=ESTIMATE),
    "aws:ec2/vpcEndpoint:VpcEndpoint": Latency(create=90, update=30, delete=60, source=ESTIMATE),
    "aws:ec2/flowLog:FlowLog": Latency(create=2, update=1, delete=1, source=ESTIMATE),
    "aws:ec2/launchTemplate:LaunchTemplate": Latency(create=6, update=1, delete=1, source=ESTIMATE),
    "aws:iam/role:Role": Latency(create=2, update=1, delete=2, source=ESTIMATE),
    "aws:iam/policy:Policy": Latency(create=1, update=1, delete=1, source=ESTIMATE),
    "aws:kms/key:Key": Latency(create=20, update=10, delete=2, source=ESTIMATE),
    "aws:eks/cluster:Cluster": Latency(
        create=580,
        update=600,
        delete=150,
        source="logs; EKS user guide: an update of the version takes several minutes",
    ),
    "aws:eks/nodeGroup:NodeGroup": Latency(
        create=130, update=480, delete=250, source="logs; update: a rolling one of three nodes, EKS user guide"
    ),
    "aws:eks/addon:Addon": Latency(create=35, update=40, delete=15, source="logs"),
    "aws:eks/accessEntry:AccessEntry": Latency(create=1, update=1, delete=1, source=ESTIMATE),
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": Latency(create=1, update=1, delete=1, source=ESTIMATE),
    "aws:rds/cluster:Cluster": Latency(
        create=45, update=60, delete=120, source="logs: 43s; deletion after the instances"
    ),
    "aws:rds/clusterInstance:ClusterInstance": Latency(
        create=380, update=420, delete=480, source="logs: 6m21s; a deletion of an Aurora instance 7 to 10 minutes"
    ),
    "aws:rds/clusterParameterGroup:ClusterParameterGroup": Latency(create=1, update=1, delete=1, source=ESTIMATE),
    "aws:rds/instance:Instance": Latency(create=296, update=300, delete=255, source=ESTIMATE),
    "aws:elasticache/replicationGroup:ReplicationGroup": Latency(
        create=460, update=480, delete=300, source="logs; ElastiCache user guide: scaling takes minutes per node"
    ),
    "aws:elasticache/cluster:Cluster": Latency(create=300, update=300, delete=240, source="as replication groups"),
    "aws:acm/certificate:Certificate": Latency(create=8, update=1, delete=1, source=ESTIMATE),
    "aws:acm/certificateValidation:CertificateValidation": Latency(
        create=100, update=1, delete=0, source="logs; ACM: the record is looked up every few minutes"
    ),
    "aws:route53/record:Record": Latency(create=35, update=35, delete=35, source="Route 53: INSYNC within 60 seconds"),
    "aws:route53/zone:Zone": Latency(create=35, update=1, delete=10, source=ESTIMATE),
    "aws:s3/bucket:Bucket": Latency(create=2, update=1, delete=1, source=ESTIMATE),
    "aws:s3/bucketVersioning:BucketVersioning": Latency(create=2, update=1, delete=1, source=ESTIMATE),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": Latency(
        create=31, update=31, delete=1, source=ESTIMATE
    ),
    "aws:lb/loadBalancer:LoadBalancer": Latency(create=150, update=20, delete=15, source=ESTIMATE),
    "aws:wafv2/webAcl:WebAcl": Latency(create=3, update=3, delete=3, source=ESTIMATE),
}
"""By type token; what is not in it takes as long as one API call."""

_QUICK = {
    "tags",
    "tagsAll",
    "deletionProtection",
    "enableDeletionProtection",
    "skipFinalSnapshot",
    "finalSnapshotIdentifier",
}
"""Changes of these are one API call, or none at all."""
_CLUSTER_SETTINGS = 180.0
"""Of a cluster's logs, endpoint or access: an estimate."""
_GATEWAY_ENDPOINT = Latency(create=6, update=6, delete=6, source=ESTIMATE)


def latency(token: str, properties: Mapping[str, Any] | None = None) -> Latency:
    """The row of a type; some depend on the resource's own properties."""
    if token == "aws:ec2/vpcEndpoint:VpcEndpoint" and (properties or {}).get("vpcEndpointType") in (None, "Gateway"):
        return _GATEWAY_ENDPOINT
    return LATENCY.get(token, _CALL)


def seconds(
    token: str,
    operation: Operation,
    properties: Mapping[str, Any] | None = None,
    changed: Collection[str] | None = None,
) -> float:
    """Seconds of AWS that the operation takes; for an update by what is `changed`, None: by what takes longest."""
    if operation == "update" and changed is not None:
        if set(changed) <= _QUICK:
            return _CALL.update
        if token == "aws:eks/cluster:Cluster" and "version" not in changed:
            return _CLUSTER_SETTINGS
    return getattr(latency(token, properties), operation)


def scale() -> float:
    """Real seconds per second of AWS. Raises BadScale."""
    text = os.environ.get(SCALE, "1")
    try:
        wanted = float(text)
    except ValueError:
        wanted = -1
    if wanted < 0:
        raise BadScale(f"{SCALE}={text}: write how many seconds a minute of AWS takes, 0 or more")
    return wanted / 60


def scaled(duration: float) -> float:
    """Real seconds that so many seconds of AWS take. Raises BadScale."""
    return duration * scale()


def spoken(duration: float) -> str:
    """Seconds as Terraform writes them: `8m20s`, `45s`."""
    minutes, left = divmod(round(duration), 60)
    return f"{minutes}m{left:02d}s" if minutes else f"{left}s"
