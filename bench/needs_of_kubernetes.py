"""What Kubernetes, the operators and W&B need before something else: each row with its reason."""

from __future__ import annotations

from .rules import Rule, rules

_NODES = "aws:eks/nodeGroup:NodeGroup"
_ADDON = "aws:eks/addon:Addon"
_BUCKET = "aws:s3/bucket:Bucket"
_NAMESPACE = "kubernetes:core/v1:Namespace"
_SECRET = "kubernetes:core/v1:Secret"
_RELEASE = "kubernetes:helm.sh/v3:Release"
_JOB = "kubernetes:batch/v1:Job"
_WANDB = "kubernetes:apps.wandb.com/v1:WeightsAndBiases"
_SERVERS = "kubernetes:clickhouse.altinity.com/v1:ClickHouseInstallation"
_KEEPERS = "kubernetes:clickhouse-keeper.altinity.com/v1:ClickHouseKeeperInstallation"
_READS = "its pods read it"

_GOES_FIRST = (
    "on the way down W&B's Ingress goes before the load balancer, which goes before its controller; Pulumi has one order for "
    "both ways"
)

_KUBERNETES = (
    *rules(
        _NAMESPACE, (_NODES, "what comes in it runs on these nodes"), (_ADDON, "pods need DNS, addresses and volumes")
    ),
    *rules("kubernetes:*", (_NAMESPACE, "it is in this namespace")),
    *rules(
        _SECRET,
        ("random:*", "the password in it"),
        ("aws:rds/*", "the address in it"),
        ("aws:elasticache/*", "the address in it"),
    ),
    *rules(
        _JOB,
        (_SECRET, _READS),
        ("kubernetes:core/v1:ConfigMap", _READS),
        ("kubernetes:core/v1:ServiceAccount", "its pod runs as this account"),
        ("kubernetes:rbac.authorization.k8s.io/v1:*", "its pod may do nothing before"),
        ("kubernetes:core/v1:Service", "what it connects to"),
        ("kubernetes:apps/v1:StatefulSet", "what it connects to"),
        ("aws:rds/*", "what it connects to"),
        ("aws:vpc/*", "what lets it through"),
    ),
    *rules("kubernetes:rbac.authorization.k8s.io/v1:*", ("kubernetes:*", "it names this object")),
    *rules("kubernetes:apps/v1:StatefulSet", (_SECRET, _READS), ("kubernetes:core/v1:ConfigMap", _READS)),
    *rules(
        _RELEASE,
        (_SECRET, _READS),
        (_NODES, "its pods need nodes"),
        (_ADDON, "its pods need DNS and their role"),
        ("aws:eks/podIdentityAssociation:*", "its pods act with this role"),
        ("aws:iam/rolePolic*", "its pods act with this role"),
    ),
    *rules(
        "kubernetes:elbv2.k8s.aws/*",
        (_RELEASE, "the controller brings the definition of this kind"),
        ("aws:acm/*", "the certificate it names"),
    ),
    *rules(
        "kubernetes:networking.k8s.io/v1:Ingress*",
        (_RELEASE, "the controller must run: its webhook answers for it"),
        ("kubernetes:elbv2.k8s.aws/*", "the parameters it names"),
        ("kubernetes:networking.k8s.io/v1:IngressClass", "the class it names"),
        ("aws:acm/*", "a listener takes a certificate that is issued"),
        ("aws:ec2/*", "the load balancer is placed by it"),
    ),
)

_PRODUCT = (
    *rules(_KEEPERS, (_RELEASE, "the operator brings the definition of this kind")),
    *rules(
        _SERVERS,
        (_RELEASE, "the operator brings the definition of this kind"),
        (_KEEPERS, "replicas start on a quorum of keepers"),
        (_SECRET, _READS),
        ("kubernetes:core/v1:ServiceAccount", "its pods run as this account"),
        ("kubernetes:networking.k8s.io/v1:NetworkPolicy", "its pods must never run without"),
        ("ObjectStore$*", "its data are there from the first table on"),
        (_BUCKET, "its data are there from the first table on"),
        ("aws:iam/*", "its pods open the bucket with it"),
    ),
    *rules("ClickHouse$kubernetes:batch/v1:Job", (_SERVERS, "it asks every replica")),
    *rules(
        _WANDB,
        ("Operator$kubernetes:helm.sh/v3:Release", "the operator brings the definition of this kind"),
        (_SECRET, _READS),
        (_JOB, "W&B migrates into a database, a bucket and a ClickHouse that are ready"),
        ("Redis$*", "W&B starts on it"),
        ("MySQL$*", "W&B starts on it"),
        ("aws:elasticache/replicationGroup:*", "W&B starts on it"),
        ("aws:vpc/*", "what lets W&B through"),
        ("aws:iam/*", "its pods open the bucket with it"),
        (_BUCKET, "W&B starts on it"),
        ("kubernetes:networking.k8s.io/v1:IngressClass", "the class its Ingress names"),
        ("Ingress$kubernetes:networking.k8s.io/v1:Ingress", _GOES_FIRST),
    ),
    *rules("Verification$kubernetes:batch/v1:Job", (_WANDB, "it asks W&B")),
)

RULES: tuple[Rule, ...] = (*_KUBERNETES, *_PRODUCT)
