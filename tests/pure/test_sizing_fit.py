"""Fit: what is claimed holds for a scheduler that spreads, and what is refused says what would do."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sizing
from sizing import machines, packing, pods, scheduler
from sizing.kubelets import Room
from sizing.quantity import GI, cpu, memory
from sizing.request import ENVIRONMENTS, SCALES, TARGETS
from sizing.scheduler import Cluster, Pool

PRODUCTS = (("models",), ("weave",), ("models", "weave"))
requests = st.builds(
    lambda environment, products, cloud, scale: sizing.Request(
        environment=environment,
        products=products,
        cloud=cloud,
        scale=scale,
        in_cluster_stores=environment == "test",
    ),
    st.sampled_from(ENVIRONMENTS),
    st.sampled_from(PRODUCTS),
    st.sampled_from(TARGETS),
    st.sampled_from([None, *SCALES]),
)


def _test_request(products=("models", "weave"), **overrides) -> sizing.Request:
    return sizing.Request(
        environment="test", products=products, in_cluster_stores=True, overrides=sizing.Overrides(**overrides)
    )


def _pools(plan: sizing.Plan) -> list[Pool]:
    return [machines.schedulable(each, plan.request.cloud) for each in plan.pools]


def _assert_refused_with_a_change_that_fits(report: sizing.FitReport) -> None:
    assert report.problem
    assert report.pod
    assert report.pod in report.problem
    assert report.changes
    for change in report.changes:
        assert sizing.fit(sizing.plan(change.request)).fits, change.text


@settings(max_examples=40)
@given(requests)
def test_every_documented_plan_fits_or_is_refused_with_a_change_that_does(request):
    report = sizing.fit(sizing.plan(request))
    if not report.fits:
        _assert_refused_with_a_change_that_fits(report)


@pytest.mark.parametrize("products", PRODUCTS)
@pytest.mark.parametrize("cloud", TARGETS)
def test_a_test_fits_its_three_documented_nodes_with_stores_and_an_update_of_everything(cloud, products):
    plan = sizing.plan(sizing.Request(environment="test", products=products, cloud=cloud, in_cluster_stores=True))
    report = sizing.fit(plan)
    assert plan.nodes.count == 3
    assert report.fits
    assert not report.warnings
    assert packing.at_once(_pools(plan), pods.of(plan)) is None


@pytest.mark.parametrize("cloud", TARGETS)
@pytest.mark.parametrize("products", PRODUCTS)
def test_production_fits_its_documented_nodes_with_chart_size_small(cloud, products):
    plan = sizing.plan(sizing.Request(environment="production", products=products, cloud=cloud))
    assert plan.nodes.count == 3
    assert sizing.fit(plan).fits


def test_the_documented_production_node_for_models_does_not_fit_chart_size_medium():
    overrides = sizing.Overrides(chart_size="medium", node_cpu=8, node_memory_gib=64)
    report = sizing.fit(
        sizing.plan(sizing.Request(environment="production", products=("models",), overrides=overrides))
    )
    assert not report.fits
    _assert_refused_with_a_change_that_fits(report)
    bigger = sizing.Overrides(chart_size="medium", components={}, node_cpu=8, node_memory_gib=64, node_count=100)
    many = sizing.fit(sizing.plan(sizing.Request(environment="production", products=("models",), overrides=bigger)))
    assert many.pod is not None
    assert many.pod.startswith("wandb-parquet-")
    assert "more than a whole node has" in (many.problem or "")


def test_replicas_that_are_kept_apart_need_as_many_nodes():
    report = sizing.fit(sizing.plan(_test_request(node_count=2, node_cpu=16, node_memory_gib=128)))
    assert not report.fits
    assert "finds no node without another pod of its kind" in (report.problem or "")
    assert report.change is not None
    assert report.change.text == "1 more node (3 of 16 vCPU / 128 GiB)"


def test_one_replica_of_clickhouse_and_one_keeper_fit_one_large_node():
    plan = sizing.plan(
        _test_request(node_count=1, node_cpu=16, node_memory_gib=128, clickhouse_replicas=1, clickhouse_keepers=1)
    )
    assert sizing.fit(plan).fits


def test_every_replica_of_every_shard_has_a_node_and_room() -> None:
    large = {"node_cpu": 16, "node_memory_gib": 128, "clickhouse_shards": 2}
    assert sizing.fit(sizing.plan(_test_request(node_count=6, **large))).fits
    report = sizing.fit(sizing.plan(_test_request(node_count=5, **large)))
    assert "finds no node without another pod of its kind" in (report.problem or "")
    assert report.pod == "chi-wandb-weavecluster-1-2"
    overrides = sizing.Overrides(clickhouse_shards=2)
    plan = sizing.plan(sizing.Request(environment="production", products=("weave",), cloud="aws", overrides=overrides))
    assert plan.clickhouse_nodes is not None
    assert plan.clickhouse_nodes.count == 6
    assert dict(plan.numbers())["clickhouse.shards"] == "2"


def test_what_no_machine_can_hold_is_refused_without_inventing_one():
    asks = sizing.ResourceOverride(cpu_request="500")
    report = sizing.fit(sizing.plan(_test_request(components={"api": asks})))
    assert not report.fits
    assert report.changes == ()
    assert "smaller requests; no machine is large enough" in report.refusal()


@settings(max_examples=30)
@given(
    products=st.sampled_from(PRODUCTS),
    environment=st.sampled_from(ENVIRONMENTS),
    size=st.sampled_from(["small", "medium", "large"]),
    count=st.integers(1, 5),
    shape=st.sampled_from([(2, 16), (4, 32), (8, 64), (16, 128), (32, 256)]),
    zones=st.integers(1, 3),
)
def test_explicit_nodes_are_kept_and_either_fit_or_are_refused_with_a_change_that_does(
    products, environment, size, count, shape, zones
):
    overrides = sizing.Overrides(chart_size=size, node_count=count, node_cpu=shape[0], node_memory_gib=shape[1])
    request = sizing.Request(environment=environment, products=products, zones=zones, overrides=overrides)
    plan = sizing.plan(request)
    assert (plan.nodes.count, plan.nodes.cpu, plan.nodes.memory_gib) == (count, *shape)
    report = sizing.fit(plan)
    if not report.fits:
        _assert_refused_with_a_change_that_fits(report)


@settings(max_examples=30)
@given(requests, st.integers(1000, 100000))
def test_a_plan_that_fits_also_fits_in_orders_that_were_not_tried(request, seed):
    plan = sizing.plan(request)
    order = random.Random(seed)
    assert sizing.fit(plan).fits
    assert scheduler.install(Cluster(_pools(plan), order), pods.of(plan).base, order) is None


@settings(max_examples=40)
@given(requests)
def test_nothing_is_placed_beyond_what_a_node_has_or_beside_what_it_must_be_apart_from(request):
    plan = sizing.plan(request)
    for node in packing.example(_pools(plan), pods.of(plan)).nodes:
        assert sum(pod.cpu for pod in node.pods) == node.cpu <= node.room.cpu
        assert sum(pod.memory for pod in node.pods) == node.memory <= node.room.memory
        assert len(node.pods) <= node.room.pods
        apart = [pod.owner for pod in node.pods if pod.apart]
        assert len(apart) == len(set(apart))
        assert all(pod.pool == node.pool for pod in node.pods)


def test_replicas_are_spread_over_zones():
    plan = sizing.plan(sizing.Request(environment="production", products=("weave",), overrides=_six_nodes()))
    zones = [node.zone for node in packing.example(_pools(plan), pods.of(plan)).nodes for pod in node.pods if pod.apart]
    assert sorted(zones) == [0, 0, 1, 1, 2, 2]


def _six_nodes() -> sizing.Overrides:
    return sizing.Overrides(node_count=6)


def test_requests_of_sidecars_count():
    plan = sizing.plan(sizing.Request(environment="production", products=("models",)))
    weave = next(pod for pod in pods.of(plan).base if pod.owner == "wandb-weave")
    assert (weave.cpu, weave.memory) == (cpu("1100m"), memory("8Gi") + memory("128Mi"))


def test_operators_stores_jobs_and_clickhouse_are_among_the_pods():
    owners = {pod.owner for pod in pods.of(sizing.plan(_test_request())).base}
    assert {
        "wandb-mysql",
        "wandb-redis",
        "wandb-object-store",
        "clickhouse-operator",
        "keeper",
        "clickhouse",
        "wandb-controller-manager",
        "verification",
    } <= owners


def test_an_update_adds_a_pod_to_each_deployment_that_is_not_replaced_in_place():
    every = pods.of(sizing.plan(_test_request()))
    updated = {pod.owner.removeprefix("wandb-") for pod in every.surge}
    assert updated == set(sizing.COMPONENTS) - {"executor", "glue"}


def test_growth_that_finds_no_room_is_a_warning_with_the_number_of_nodes():
    plan = sizing.plan(sizing.Request(environment="production", products=("models",), scale="medium"))
    report = sizing.fit(plan)
    assert report.fits
    assert any("nodes are needed" in warning for warning in report.warnings)


def test_in_production_on_a_cloud_the_nodes_may_grow_to_what_autoscalers_ask_for():
    plan = sizing.plan(sizing.Request(environment="production", products=("models",), scale="medium", cloud="aws"))
    assert plan.nodes.autoscaled
    most = packing.nodes_at_most(_pools(plan), pods.of(plan))
    assert most is not None
    assert most["general"] <= plan.nodes.max_count


@given(st.sampled_from(PRODUCTS), st.sampled_from([None, *SCALES]), st.integers(2, 3))
def test_the_zones_that_are_left_when_one_is_lost_may_have_all_nodes_that_are_needed(products, scale, zones):
    request = sizing.Request(environment="production", products=products, scale=scale, cloud="aws", zones=zones)
    plan = sizing.plan(request)
    most = packing.nodes_at_most(_pools(plan), pods.of(plan))
    assert most is not None
    assert plan.nodes.max_count % zones == 0, "equal in every zone"
    assert plan.nodes.max_count // zones * (zones - 1) >= max(plan.nodes.count, most["general"])


def test_the_scheduler_spreads_pods_instead_of_packing_them():
    room = Room(cpu=4000, memory=16 * GI, pods=110)
    cluster = Cluster([Pool(name="general", count=3, room=room, zones=1)])
    small = pods.Pod(name="a", owner="a", cpu=100, memory=GI, stage=pods.Stage.WANDB)
    for _ in range(3):
        cluster.place(small)
    assert [len(node.pods) for node in cluster.nodes] == [1, 1, 1]
    large = replace(small, name="b", owner="b", cpu=3950)
    assert cluster.place(large) is None, "packing would have left two nodes empty"


def test_a_job_gives_its_room_back():
    room = Room(cpu=1000, memory=4 * GI, pods=110)
    job = pods.Pod(name="job", owner="job", cpu=800, memory=GI, stage=pods.Stage.FOUNDATION, job=True)
    after = pods.Pod(name="app", owner="app", cpu=900, memory=GI, stage=pods.Stage.WANDB)
    cluster = Cluster([Pool(name="general", count=1, room=room, zones=1)])
    assert scheduler.install(cluster, [job, after], None) is None
    assert [pod.name for pod in cluster.nodes[0].pods] == ["app"]
