"""An EKS cluster that the user brings: what is in it, beyond nodes and a StorageClass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...control_plane.nodes import MANAGED
from ...operators import chart_load_balancer, charts

Object = dict[str, Any]


def objects(brought: Mapping[str, Any], region: str) -> tuple[Object, ...]:
    """What the settings say that runs in it: AWS Load Balancer Controller, where the user has installed it."""
    if brought.get("loadBalancerController") != "installed":
        return ()
    return tuple(_controller(str(brought.get("name")), region))


def _controller(cluster: str, region: str) -> Iterator[Object]:
    made = charts.install(
        chart=chart_load_balancer.CHART.name,
        version=None,
        repo=chart_load_balancer.CHART.repositories[0],
        values={"clusterName": cluster, "region": region},
        release_name="aws-load-balancer-controller",
        namespace="kube-system",
    )
    for obj in made:
        meta = obj["metadata"]
        yield obj | {"metadata": {**meta, "labels": {**(meta.get("labels") or {}), **MANAGED}}}
