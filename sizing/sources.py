"""Where numbers come from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """A document, and the place in it."""

    document: str
    place: str = ""

    def __str__(self) -> str:
        return f"{self.document}: {self.place}" if self.place else self.document


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Why a number is what it is, and who says so."""

    text: str
    source: Source


ARCHITECTURE = "W&B Reference Architecture"
OPERATOR_ARCHITECTURE = "operator-wandb reference architecture requirements"
WEAVE_GUIDE = "W&B Weave self-managed guide"

NODES = Source(ARCHITECTURE, "Kubernetes sizing")
WORKERS = Source(ARCHITECTURE, "Sizing (3 workers or more, autoscaling in production)")
MYSQL = Source(ARCHITECTURE, "MySQL sizing")
INSTANCES = Source(ARCHITECTURE, "Cloud provider instance recommendations")
REDIS = Source(ARCHITECTURE, "Redis (7.x, single node)")
USERS = Source(OPERATOR_ARCHITECTURE, "Sizing Guidelines")
WEAVE_NODES = Source(WEAVE_GUIDE, "Requirements (nodes of 8 cores, 64 GB, 200 GB)")
WEAVE_REPLICAS = Source(WEAVE_GUIDE, "replicasCount (3 of both, 3 recommended)")
WEAVE_MINIMUM = Source(f"{WEAVE_GUIDE}, newest edition", "sizing of Keeper and ClickHouse, minimum")
WEAVE_RECOMMENDED = Source(f"{WEAVE_GUIDE}, newest edition", "sizing of Keeper and ClickHouse, recommended")
WEAVE_CACHE = Source(WEAVE_GUIDE, "s3_disk_cache (the cache must be smaller than the volume)")
TERRAFORM = Source("W&B Terraform modules", "deployment-size.tf (aws 8.0.0, google 10.8.2, azurerm 7.9.2)")
CHART = Source("chart operator-wandb 0.43.8", "resources, autoscaling and strategy of its workloads, rendered")
ON_PREMISES = Source("W&B's guide for a server on premises", "resources of its Deployment")
OPERATOR_CHART = Source("chart operator 1.4.8", "resources")
EKS = Source("EKS node bootstrap (nodeadm) and EKS user guide", "kube-reserved, eviction, pods of a node")
EKS_ADDONS = Source("planning estimate", "checked against what EKS' add-ons request at their defaults")
GKE = Source("GKE documentation, node sizes; cluster autoscaler, GCE provider", "reservations, kernel's own memory")
AKS = Source("AKS documentation, node resource reservations", "table of CPU, memory by pods")
KARPENTER = Source("Karpenter, default of vmMemoryOverheadPercent", "7.5 % of a machine's memory is not the node's")
ESTIMATE = Source("planning estimate", "DaemonSets take 0.3 to 0.7 CPU and 0.5 to 1.5 GiB of a node")
SPOT = Source("EC2 user guide", "best practices for Spot Instances: be flexible about instance types")
PROJECT = Source("this project")
SETTINGS = Source("set explicitly")
