"""What every check of an AWS account works with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from components.namespaces import OWNER_ANNOTATION
from settings import Settings
from settings.aws import AWS, ExistingCluster, ExistingNetwork, ManagedCluster, ManagedNetwork

from .lookup import Answer, Missing, Unreadable

if TYPE_CHECKING:
    from sizing import NodePool, Plan

OWNER_TAG = OWNER_ANNOTATION
"""Tag of everything that a stack makes: `<project>/<stack>`, as its namespaces are annotated."""


@dataclass(frozen=True, kw_only=True)
class Stack:
    """What a stack wants, for questions and checks."""

    settings: Settings
    plan: Plan
    owner: str
    """`<project>/<stack>`."""

    @property
    def aws(self) -> AWS:
        """The section of the settings. Raises ValueError for a stack of another target."""
        if self.settings.aws is None:
            raise ValueError(f"the target is {self.settings.target}, not aws")
        return self.settings.aws

    @property
    def region(self) -> str:
        return self.aws.region

    @property
    def made_network(self) -> ManagedNetwork | None:
        """The network, where the stack makes it."""
        return self.aws.network if isinstance(self.aws.network, ManagedNetwork) else None

    @property
    def brought_network(self) -> ExistingNetwork | None:
        """The network, where the user brings it."""
        return self.aws.network if isinstance(self.aws.network, ExistingNetwork) else None

    @property
    def made_cluster(self) -> ManagedCluster | None:
        """The cluster, where the stack makes it."""
        return self.aws.cluster if isinstance(self.aws.cluster, ManagedCluster) else None

    @property
    def brought_cluster(self) -> ExistingCluster | None:
        """The cluster, where the user brings it."""
        return self.aws.cluster if isinstance(self.aws.cluster, ExistingCluster) else None

    @property
    def cluster_name(self) -> str:
        """Name of the cluster, made or brought."""
        return self.aws.cluster_name(self.owner)

    @property
    def zones(self) -> tuple[str, ...]:
        """Zones of the nodes."""
        return self.aws.zones

    @property
    def pools(self) -> Mapping[str, NodePool]:
        """Node pools that the stack makes, by the setting that decides about their machines."""
        if self.made_cluster is None:
            return {}
        pools = {
            "sizing.nodes": self.plan.nodes,
            "sizing.clickhouseNodes": self.plan.clickhouse_nodes,
            "aws.cluster.spot": self.plan.spot_nodes,
        }
        return {path: pool for path, pool in pools.items() if pool is not None and pool.instance_types}


@dataclass(frozen=True, kw_only=True)
class Look:
    """A stack and what AWS answered."""

    stack: Stack
    answers: Mapping[str, Answer]

    def found(self, name: str) -> Mapping[str, Any] | None:
        """The answer to a question; None where it was not asked, nothing exists or nothing could be read."""
        answer = self.answers.get(name)
        return None if answer is None or isinstance(answer, Missing | Unreadable) else answer

    def missing(self, name: str) -> bool:
        """Whether AWS says that there is no such thing."""
        return isinstance(self.answers.get(name), Missing)

    def values(self, name: str, key: str) -> list[Any]:
        """A list in an answer; empty where there is no answer."""
        return list((self.found(name) or {}).get(key) or ())

    @property
    def ours(self) -> bool:
        """Whether the cluster of that name is there and is the stack's: then it was made before, and so was its network."""
        tags = (self.found("cluster") or {}).get("tags") or {}
        return self.stack.made_cluster is not None and tags.get(OWNER_TAG) == self.stack.owner
