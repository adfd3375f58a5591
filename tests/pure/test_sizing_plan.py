"""Plans: documented tables, scales, explicit settings, and a reason for every number."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sizing
from sizing import catalogue, chart
from sizing.quantity import cpu, memory
from sizing.request import ENVIRONMENTS, SCALES, TARGETS

PRODUCTS = (("models",), ("weave",), ("models", "weave"))
MIXES: dict[tuple[str, ...], sizing.reference.Mix] = {
    ("models",): "models",
    ("weave",): "weave",
    ("models", "weave"): "models and weave",
}

documented = st.builds(
    lambda environment, products, cloud, scale, bundled: sizing.Request(
        environment=environment,
        products=products,
        cloud=cloud,
        scale=scale,
        in_cluster_stores=bundled and environment == "test",
    ),
    st.sampled_from(ENVIRONMENTS),
    st.sampled_from(PRODUCTS),
    st.sampled_from(TARGETS),
    st.sampled_from([None, *SCALES]),
    st.booleans(),
)
"""Every request that W&B's documents speak of."""

cores = st.sampled_from(["100m", "500m", "1", "3"])
amounts = st.sampled_from(["256Mi", "1Gi", "6Gi"])
partial = st.builds(
    sizing.ResourceOverride,
    cpu_request=st.none() | cores,
    memory_request=st.none() | amounts,
)


def _request(environment="test", products=("models", "weave"), **more) -> sizing.Request:
    more.setdefault("in_cluster_stores", environment == "test" and more.get("cloud", "kubernetes") == "kubernetes")
    return sizing.Request(environment=environment, products=products, **more)


@pytest.mark.parametrize("products", PRODUCTS)
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_any_cluster_is_planned_with_three_of_the_documented_nodes(environment, products):
    nodes = sizing.plan(_request(environment, products)).nodes
    table = sizing.reference.NODES[environment, MIXES[products]]
    assert (nodes.count, nodes.cpu, nodes.memory_gib) == (3, table.cpu, table.memory_gib)
    assert nodes.instance_type is None
    assert not nodes.autoscaled


@pytest.mark.parametrize(
    ("cloud", "environment", "products", "node", "mysql", "redis"),
    [
        ("aws", "test", ("models",), "r6i.large", "db.r6g.large", "cache.m6g.large"),
        ("aws", "test", ("models", "weave"), "r6i.xlarge", "db.r6g.large", "cache.m6g.large"),
        ("aws", "production", ("models",), "r6i.2xlarge", "db.r6g.2xlarge", "cache.m6g.xlarge"),
        ("aws", "production", ("weave",), "r6i.4xlarge", "db.r6g.2xlarge", "cache.m6g.xlarge"),
        ("gcp", "test", ("weave",), "n2-highmem-4", "db-perf-optimized-N-2", "STANDARD_HA 6 GB"),
        ("gcp", "production", ("models",), "n2-highmem-8", "db-perf-optimized-N-8", "STANDARD_HA 13 GB"),
        ("azure", "test", ("models",), "Standard_E2s_v5", "Standard_E2ads_v5", "Balanced_B5"),
        ("azure", "production", ("models", "weave"), "Standard_E16s_v5", "Standard_E8ads_v5", "Balanced_B10"),
    ],
)
def test_clouds_are_planned_with_the_recommended_types_or_what_replaced_them(
    cloud, environment, products, node, mysql, redis
):
    plan = sizing.plan(_request(environment, products, cloud=cloud))
    assert plan.nodes.instance_type == node
    assert plan.mysql is not None
    assert plan.mysql.class_name == mysql
    assert plan.redis is not None
    assert plan.redis.class_name == redis


def test_a_type_that_is_not_taken_as_recommended_says_why():
    reason = sizing.plan(_request("production", cloud="azure")).reason("nodes.machine")
    assert "Standard_E16_v5 is recommended, and types without `s` cannot attach Premium SSD" in reason.text


def test_a_test_in_three_documented_nodes_sets_smaller_requests_and_says_so():
    plan = sizing.plan(_request())
    assert plan.chart_size == "small"
    for name, component in plan.components.items():
        preset = chart.workload(name, "small").containers[0].requests
        assert component.explicit
        assert component.explicit_replicas
        assert component.replicas == (1, 1)
        assert cpu("100m") <= cpu(component.resources.cpu_request) < cpu(preset["cpu"])
        assert memory("128Mi") <= memory(component.resources.memory_request) <= memory(preset["memory"])
        assert "chart size small does not fit these nodes" in plan.reason(f"components.{name}.resources").text


def test_a_test_on_nodes_that_hold_chart_size_small_keeps_it():
    plan = sizing.plan(_request(overrides=sizing.Overrides(node_cpu=16, node_memory_gib=128)))
    assert not any(component.explicit or component.explicit_replicas for component in plan.components.values())


def test_production_runs_chart_size_small_as_the_chart_has_it():
    plan = sizing.plan(_request("production"))
    assert plan.chart_size == "small"
    assert not any(component.explicit for component in plan.components.values())
    assert plan.components["api"].resources == sizing.Resources(
        cpu_request="1", memory_request="2Gi", cpu_limit="4", memory_limit="8Gi"
    )


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_clickhouse_has_three_servers_and_three_keepers(environment):
    clickhouse = sizing.plan(_request(environment)).clickhouse
    assert clickhouse is not None
    assert (clickhouse.replicas, clickhouse.keepers) == (3, 3)


def test_only_weave_has_clickhouse_and_only_where_it_is_managed():
    assert sizing.plan(_request(products=("models",))).clickhouse is None
    assert sizing.plan(_request(managed_clickhouse=False)).clickhouse is None


def test_clickhouse_has_nodes_of_its_own_in_production_on_a_cloud_or_where_asked_for():
    assert sizing.plan(_request("production")).clickhouse_nodes is None
    for request in (_request("production", cloud="aws"), _request("production", clickhouse_pool=True)):
        pool = sizing.plan(request).clickhouse_nodes
        assert pool is not None
        assert (pool.count, pool.cpu, pool.memory_gib, pool.disk_gib) == (3, 8, 64, 200)
        assert pool.taint == "dedicated=clickhouse:NoSchedule"


def test_clickhouse_is_not_given_more_memory_than_its_node_has():
    plan = sizing.plan(_request("production", clickhouse_pool=True))
    assert plan.clickhouse is not None
    assert plan.clickhouse_nodes is not None
    server, keeper = plan.clickhouse.server, plan.clickhouse.keeper
    assert memory(server.memory_limit or "1E") + memory(keeper.memory_limit or "1E") <= memory(
        plan.clickhouse_nodes.available.memory
    )
    assert cpu(server.cpu_limit or "1000") <= plan.clickhouse_nodes.cpu * 1000


def test_mysql_connections_cover_autoscalers_at_their_maximum_and_a_rolling_update():
    assert sizing.plan(_request("production")).mysql_connections == (2 + 1) * 100 + (2 + 1) * 100
    assert sizing.plan(_request()).mysql_connections == (1 + 1) * 100 + (1 + 1) * 100


@settings(max_examples=40)
@given(documented)
def test_every_number_has_a_reason_and_a_source(request):
    plan = sizing.plan(request)
    for path, value in plan.numbers():
        reason = plan.reason(path)
        assert value
        assert reason.text
        assert reason.source.document


@settings(max_examples=40)
@given(documented)
def test_the_cache_is_at_most_half_of_the_volume(request):
    clickhouse = sizing.plan(request).clickhouse
    assert clickhouse is None or 0 < clickhouse.cache_gib * 2 <= clickhouse.volume_gib


@given(st.sampled_from(ENVIRONMENTS), st.integers(2, 4000) | st.none(), st.integers(1, 2000) | st.none())
def test_the_cache_is_at_most_half_of_the_volume_whatever_is_set(environment, volume, cache):
    overrides = sizing.Overrides(clickhouse_volume_gib=volume, clickhouse_cache_gib=cache)
    if volume and cache and cache * 2 > volume:
        with pytest.raises(sizing.InvalidRequest, match="clickhouse_cache_gib: .* more than half"):
            _request(environment, overrides=overrides)
        return
    clickhouse = sizing.plan(_request(environment, overrides=overrides)).clickhouse
    assert clickhouse is not None
    assert 0 < clickhouse.cache_gib * 2 <= clickhouse.volume_gib
    assert clickhouse.volume_gib == volume or volume is None
    assert clickhouse.cache_gib == cache or cache is None


@settings(max_examples=40)
@given(documented)
def test_the_same_request_gives_the_same_plan(request):
    assert sizing.plan(request) == sizing.plan(request)


@settings(max_examples=40)
@given(documented)
def test_a_larger_scale_never_gets_less(request):
    plans = [sizing.plan(replace(request, scale=scale)) for scale in SCALES]
    totals = [_totals(plan) for plan in plans]
    assert totals == sorted(totals)
    for smaller, larger in pairwise(totals):
        assert all(less <= more for less, more in zip(smaller, larger, strict=True))


def _totals(plan: sizing.Plan) -> tuple[float, ...]:
    clickhouse = plan.clickhouse
    return (
        chart.SIZES.index(plan.chart_size),
        sum(pool.count * pool.cpu for pool in plan.pools),
        sum(pool.count * pool.memory_gib for pool in plan.pools),
        plan.mysql.cpu if plan.mysql else 0,
        plan.redis.memory_gib if plan.redis else 0,
        cpu(clickhouse.server.cpu_request) if clickhouse else 0,
        memory(clickhouse.server.memory_request) if clickhouse else 0,
        clickhouse.volume_gib if clickhouse else 0,
    )


@settings(max_examples=40)
@given(documented)
def test_limits_are_never_below_requests(request):
    plan = sizing.plan(request)
    every = [component.resources for component in plan.components.values()]
    every += [store.resources for store in plan.stores.values()]
    every += [plan.clickhouse.server, plan.clickhouse.keeper] if plan.clickhouse else []
    for each in every:
        assert each.cpu_limit is None or cpu(each.cpu_request) <= cpu(each.cpu_limit)
        assert each.memory_limit is None or memory(each.memory_request) <= memory(each.memory_limit)


@settings(max_examples=40)
@given(
    request=documented,
    size=st.none() | st.sampled_from(chart.SIZES),
    count=st.none() | st.integers(1, 20),
    component=partial,
    server=partial,
    keeper=partial,
    replicas=st.none() | st.sampled_from([(1, 1), (2, 3)]),
)
def test_explicit_settings_win(request, size, count, component, server, keeper, replicas):
    overrides = sizing.Overrides(
        chart_size=size,
        node_count=count,
        components={"api": component},
        replicas={"api": replicas} if replicas else {},
        clickhouse=server,
        keeper=keeper,
    )
    plan = sizing.plan(replace(request, overrides=overrides))
    assert plan.chart_size == size or size is None
    assert plan.nodes.count == count or count is None
    assert plan.components["api"].replicas == replicas or replicas is None
    _assert_kept(component, plan.components["api"].resources)
    if plan.clickhouse:
        _assert_kept(server, plan.clickhouse.server)
        _assert_kept(keeper, plan.clickhouse.keeper)
    if component:
        assert str(plan.reason("components.api.resources").source) == "set explicitly"


def _assert_kept(explicit: sizing.ResourceOverride, planned: sizing.Resources) -> None:
    for name in ("cpu_request", "memory_request", "cpu_limit", "memory_limit"):
        wanted = getattr(explicit, name)
        assert wanted is None or getattr(planned, name) == wanted


@given(st.sampled_from(["aws", "gcp", "azure"]), st.data())
def test_explicit_types_of_a_cloud_win(cloud, data):
    node = data.draw(st.sampled_from(catalogue.NODES[cloud]))
    database = data.draw(st.sampled_from(catalogue.DATABASES[cloud]))
    cache = data.draw(st.sampled_from(catalogue.CACHES[cloud]))
    overrides = sizing.Overrides(node_type=node.name, mysql_class=database.name, redis_class=cache.name)
    plan = sizing.plan(_request("production", cloud=cloud, overrides=overrides))
    assert plan.nodes.instance_type == node.name
    assert plan.mysql is not None
    assert plan.redis is not None
    assert (plan.mysql.class_name, plan.redis.class_name) == (database.name, cache.name)


def test_stores_are_planned_one_by_one_in_the_cluster_or_outside():
    plan = sizing.plan(_request(in_cluster_stores=("redis",)))
    assert set(plan.stores) == {"redis"}
    assert plan.redis is None
    assert plan.mysql is not None


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"environment": "dev"}, "environment: 'dev' is not one of test, production"),
        ({"products": ()}, "products: none given; one or both of models, weave wanted"),
        ({"products": ("launch",)}, "products: 'launch' is not one of models, weave"),
        ({"cloud": "mars"}, "cloud: 'mars' is not one of aws, gcp, azure, kubernetes"),
        ({"scale": "huge"}, "scale: 'huge' is not one of small, medium, large"),
        ({"in_cluster_stores": ("kafka",)}, "in_cluster_stores: 'kafka' is not one of mysql, redis, object-store"),
        ({"environment": "production", "in_cluster_stores": True}, "in_cluster_stores: only for a test"),
        ({"overrides": sizing.Overrides(chart_size="testing")}, "chart_size: 'testing' is not one of"),
        ({"overrides": sizing.Overrides(node_count=0)}, "node_count: 0 is less than 1"),
        ({"overrides": sizing.Overrides(node_type="r6i.large")}, "for any cluster give cores and memory instead"),
        ({"overrides": sizing.Overrides(clickhouse_keepers=2)}, "clickhouse_keepers: 2 is even"),
        (
            {"overrides": sizing.Overrides(components={"web": sizing.ResourceOverride()})},
            "components: 'web' is not one",
        ),
        ({"overrides": sizing.Overrides(replicas={"api": (3, 2)})}, "replicas: api has 3 to 2"),
        (
            {"cloud": "aws", "overrides": sizing.Overrides(node_type="t4g.large")},
            "node_type: 't4g.large' is not in the catalogue of aws",
        ),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_with_what_would(wrong, problem):
    with pytest.raises(sizing.InvalidRequest) as refused:
        _request(**{"in_cluster_stores": False} | wrong)
    assert any(each.startswith(problem) or problem in each for each in refused.value.problems)


def test_all_problems_of_a_request_are_reported_at_once():
    with pytest.raises(sizing.InvalidRequest) as refused:
        sizing.Request(environment="dev", products=("launch",), cloud="mars")  # ty: ignore[invalid-argument-type]
    assert len(refused.value.problems) == 3


@pytest.mark.parametrize(
    ("planned", "explicit", "result"),
    [
        ("1 / 2Gi, up to 4 / 8Gi", {"cpu_request": "6"}, "6 / 2Gi, up to 6 / 8Gi"),
        ("1 / 2Gi, up to 4 / 8Gi", {"memory_limit": "1Gi"}, "1 / 1Gi, up to 4 / 1Gi"),
        ("1 / 2Gi, up to 4 / 8Gi", {"cpu_limit": "8"}, "1 / 2Gi, up to 8 / 8Gi"),
    ],
)
def test_a_planned_amount_gives_way_to_an_explicit_one_that_contradicts_it(planned, explicit, result):
    base = sizing.Resources(cpu_request="1", memory_request="2Gi", cpu_limit="4", memory_limit="8Gi")
    assert str(base) == planned
    assert str(sizing.ResourceOverride(**explicit).over(base)) == result


def test_a_limit_below_its_request_is_refused():
    with pytest.raises(ValueError, match="cpu_limit: 1 is less than the request, 2"):
        sizing.ResourceOverride(cpu_request="2", cpu_limit="1")
    with pytest.raises(ValueError, match="memory_limit: 1Gi is less than the request, 2Gi"):
        sizing.Resources(cpu_request="1", memory_request="2Gi", memory_limit="1Gi")
