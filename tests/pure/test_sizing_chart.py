"""What W&B's chart runs at each size: the totals of chart 0.43.8, and how sizes relate."""

from __future__ import annotations

from itertools import pairwise

import pytest

from sizing import chart, components
from sizing.quantity import GI, cpu, memory


def _total(size: str, products: frozenset[str], at: str) -> tuple[float, float, int]:
    milli = size_in_bytes = pods = 0
    for each in chart.workloads(size):
        wanted = each.on == "models" or (each.on == "weave" and "weave" in products)
        if each.kind != "Deployment" or not wanted:
            continue
        count = getattr(each.replicas, at)
        pods += count
        milli += count * sum(cpu(one.requests["cpu"]) for one in each.containers)
        size_in_bytes += count * sum(memory(one.requests["memory"]) for one in each.containers)
    return milli / 1000, size_in_bytes / GI, pods


@pytest.mark.parametrize(
    ("size", "products", "at", "total"),
    [
        ("small", {"models"}, "min", (12.2, 51.25, 12)),
        ("small", {"models"}, "max", (13.2, 59.25, 13)),
        ("small", {"models", "weave"}, "min", (14.2, 59.25, 14)),
        ("medium", {"models"}, "min", (62.2, 257.25, 12)),
        ("medium", {"models", "weave"}, "max", (83.3, 370.375, 22)),
        ("large", {"models", "weave"}, "min", (74.2, 313.25, 17)),
        ("xlarge", {"models", "weave"}, "max", (150.5, 854.625, 38)),
        ("xxlarge", {"models", "weave"}, "min", (84.2, 501.25, 19)),
        ("xxlarge", {"models", "weave"}, "max", (184.6, 1293.75, 47)),
    ],
)
def test_requests_add_up_to_the_totals_of_the_rendered_chart(size, products, at, total):
    assert _total(size, frozenset(products), at) == pytest.approx(total)


@pytest.mark.parametrize("size", chart.SIZES)
def test_every_size_has_all_workloads_of_the_chart(size):
    kinds = [each.kind for each in chart.workloads(size)]
    assert {kind: kinds.count(kind) for kind in sorted(set(kinds))} == {"CronJob": 2, "Deployment": 21, "Job": 5}
    assert len({each.name for each in chart.workloads(size)}) == len(kinds)


def test_bundled_stores_and_monitoring_are_listed_apart_from_the_sizes():
    kinds = [each.kind for each in chart.independent_of_size()]
    assert (kinds.count("DaemonSet"), kinds.count("Deployment"), kinds.count("StatefulSet")) == (1, 5, 7)
    assert all(each.on == "optional" for each in chart.independent_of_size())


def test_init_containers_hooks_and_special_workloads_are_there():
    by_name = {each.name: each for each in chart.workloads("small")}
    assert by_name["wandb-api"].init_containers == ("migrate-db",)
    assert by_name["wandb-weave-trace-bc"].init_containers == ("weave-trace-migrate",)
    assert by_name["wandb-weave-bc"].containers[1].name == "weave-cache-clear"
    assert by_name["wandb-weave-trace-bc"].containers[0].limits == {"memory": "8Gi"}
    assert by_name["wandb-app-rename-pre-hook"].helm_hook == "pre-upgrade"
    assert by_name["wandb-parquet-backfill"].suspended
    assert by_name["wandb-executor-bc"].surge == 0


@pytest.mark.parametrize(
    ("component", "connections"),
    [("api", [100, 150, 240, 240, 240]), ("parquet", [100, 250, 420, 420, 430]), ("app", [None] * 5)],
)
def test_mysql_connections_of_a_pod_are_those_of_the_chart(component, connections):
    assert [chart.workload(component, size).mysql_max_open_conns for size in chart.SIZES] == connections


def test_no_component_asks_for_less_at_a_larger_size():
    for name in components({"models", "weave"}):
        for small, large in pairwise(chart.SIZES):
            less, more = chart.workload(name, small), chart.workload(name, large)
            assert cpu(less.containers[0].requests["cpu"]) <= cpu(more.containers[0].requests["cpu"])
            assert memory(less.containers[0].requests["memory"]) <= memory(more.containers[0].requests["memory"])
            assert less.replicas.max <= more.replicas.max


def test_a_size_that_the_chart_does_not_have_is_refused_because_the_chart_itself_would_take_it():
    with pytest.raises(ValueError, match="no size 'huge'"):
        chart.workloads("huge")


def test_products_decide_which_components_run():
    assert set(components({"models", "weave"})) - set(components({"models"})) == {"weave-trace"}
    assert set(components({"models", "weave"})) - set(components({"weave"})) == {"executor", "parquet", "weave"}
