"""What the operators' Helm charts install, without Helm.

Source: charts `altinity-clickhouse-operator` 0.25.6 (helm.altinity.com), `operator` 1.4.8 (charts.wandb.ai),
`aws-load-balancer-controller` 3.5.0 (aws.github.io/eks-charts), `cluster-autoscaler` 9.59.0 (kubernetes.github.io/autoscaler)
and `metrics-server` 3.13.1 (kubernetes-sigs.github.io/metrics-server). Other versions of the same minor line are taken to
install the same. The manifests are this project's own, reduced to what a rehearsal can see: dashboards, ServiceMonitors and
the operators' own configuration beyond what the stand-ins read are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import faults, mirror
from . import chart_autoscaler, chart_clickhouse, chart_load_balancer, chart_metrics_server, chart_wandb
from .chart import BadValues, Chart, ChartUnavailable, Object, Release, merged

_ALL = (chart_clickhouse, chart_wandb, chart_load_balancer, chart_autoscaler, chart_metrics_server)
CHARTS: Mapping[str, Chart] = {each.CHART.name: each.CHART for each in _ALL}
APPLICATION = Chart(
    name="operator-wandb",
    repositories=("https://charts.wandb.ai", "oci://ghcr.io/wandb/helm-charts"),
    versions=tuple(f"0.43.{patch}" for patch in range(9)),
    defaults={},
    objects=lambda _: [],
)
"""The chart that W&B's operator installs by itself; listed so that it can be looked for."""


def find(chart: str, version: str | None, repo: str | None) -> tuple[Chart, str]:
    """The chart and the exact version that a Helm client would get.

    Raises ChartUnavailable, in Helm's words where Helm has some, for a repository, chart or version that the stand-in
    does not know, or that `faults.json` makes unavailable.
    """
    source, name = _split(chart, repo)
    known = {**CHARTS, APPLICATION.name: APPLICATION}
    served = {base: one for one in known.values() for base in one.repositories}
    if closed := mirror.read():
        if source != closed.charts:
            raise ChartUnavailable(
                f'looks like "{source}" is not a valid chart repository or cannot be reached: no way out of this network'
            )
        source = known[name].repositories[0] if name in known else source
    if faults.matches(faults.read().chart_unavailable, name):
        raise ChartUnavailable(f'failed to download "{name}" from {source}: played by faults.json (chart-unavailable)')
    if source not in served:
        raise ChartUnavailable(
            f'looks like "{source}" is not a valid chart repository or cannot be reached; the rehearsal knows only '
            + ", ".join(sorted(served))
        )
    if name not in known or source not in known[name].repositories:
        raise ChartUnavailable(f'chart "{name}" not found in {source} repository')
    if not version:
        return known[name], known[name].versions[-1]
    if version.removeprefix("v") not in known[name].versions:
        newest = known[name].versions[-1]
        raise ChartUnavailable(
            f'chart "{name}" version "{version}" not found in {source} repository; the rehearsal knows the line of {newest}'
        )
    return known[name], version.removeprefix("v")


def install(
    chart: str,
    version: str | None,
    repo: str | None,
    values: Mapping[str, Any] | None,
    release_name: str,
    namespace: str,
    *,
    skip_crds: bool = False,
) -> list[Object]:
    """The objects that `helm install` would create, in order, hooks among them (annotation `helm.sh/hook`).

    Definitions of custom resources come first unless `skip_crds`; Helm creates those once, and neither changes nor
    deletes them afterwards. A hook's objects are deleted before they are created again and once they have succeeded.
    Raises ChartUnavailable, and BadValues for values that the chart's own schema refuses.
    """
    found, exact = find(chart, version, repo)
    found.check(values or {})
    release = Release(
        chart=found,
        version=exact,
        name=release_name,
        namespace=namespace,
        values=merged(found.defaults, values or {}),
    )
    objects = found.objects(release)
    return [obj for obj in objects if not (skip_crds and obj["kind"] == "CustomResourceDefinition")]


def is_hook(obj: Object) -> bool:
    """Whether Helm runs this object as a hook rather than keeping it as part of the release."""
    return "helm.sh/hook" in (obj["metadata"].get("annotations") or {})


def _split(chart: str, repo: str | None) -> tuple[str, str]:
    if chart.startswith("oci://"):
        base, _, name = chart.rpartition("/")
        return base, name.partition(":")[0]
    return (repo or "").rstrip("/"), chart


__all__ = ["APPLICATION", "CHARTS", "BadValues", "ChartUnavailable", "find", "install", "is_hook"]
