"""Sizing for AWS: types as EC2 describes them, the room that add-ons leave, zones, spot nodes, brought nodes."""

from __future__ import annotations

import gzip
import importlib.util
import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sizing
from components.aws import autoscaler, load_balancer
from rehearsal.aws.eks import addon_objects
from sizing import addons, aws, catalogue, kubelets, machines, packing, pods, scheduler
from sizing.kubelets import Room
from sizing.pods import Pod, Stage
from sizing.quantity import cpu, memory
from sizing.request import ENVIRONMENTS, SCALES
from sizing.scheduler import Cluster, Pool

PRODUCTS = (("models",), ("weave",), ("models", "weave"))
requests = st.builds(
    lambda environment, products, scale: sizing.Request(
        environment=environment,
        products=products,
        cloud="aws",
        scale=scale,
        in_cluster_stores=environment == "test",
    ),
    st.sampled_from(ENVIRONMENTS),
    st.sampled_from(PRODUCTS),
    st.sampled_from([None, *SCALES]),
)


def _aws(environment="production", products=("models", "weave"), **more) -> sizing.Request:
    return sizing.Request(environment=environment, products=products, cloud="aws", **more)


@pytest.fixture(scope="module")
def described() -> dict:
    """EC2's own answer to DescribeInstanceTypes, as the mock of AWS that the tests use has recorded it."""
    found = importlib.util.find_spec("moto")
    assert found is not None
    assert found.origin is not None
    packed = Path(found.origin).parent / "ec2" / "resources" / "instance_types.json.gz"
    return json.loads(gzip.decompress(packed.read_bytes()))


@pytest.mark.parametrize("offered", aws.NODES, ids=lambda each: each.name)
def test_every_node_type_is_as_ec2_describes_it(offered, described):
    real = described[offered.name]
    network = real["NetworkInfo"]
    assert offered.cpu == real["VCpuInfo"]["DefaultVCpus"]
    assert offered.memory_gib * 1024 == real["MemoryInfo"]["SizeInMiB"]
    assert offered.enis == network["MaximumNetworkInterfaces"]
    assert offered.ips_per_eni == network["Ipv4AddressesPerInterface"]
    assert "x86_64" in real["ProcessorInfo"]["SupportedArchitectures"], "W&B's containers run on nothing else"
    assert set(real["SupportedUsageClasses"]) >= {"on-demand", "spot"}


def test_a_database_class_has_the_cores_and_memory_of_the_machines_of_its_name(described):
    for offered in aws.DATABASES:
        real = described[offered.name.removeprefix("db.")]
        assert offered.cpu == real["VCpuInfo"]["DefaultVCpus"]
        assert offered.memory_gib * 1024 == real["MemoryInfo"]["SizeInMiB"]


def test_a_cache_class_has_less_memory_than_the_machine_of_its_name(described):
    for offered in aws.CACHES:
        gib = described[offered.name.removeprefix("cache.")]["MemoryInfo"]["SizeInMiB"] / 1024
        assert 0.75 * gib < offered.memory_gib < gib


def test_one_pod_of_every_addon_is_within_the_estimate_for_the_clusters_own_pods():
    crowded_cpu, crowded_memory, number = addons.crowded()
    assert crowded_cpu <= kubelets.SYSTEM_CPU
    assert crowded_memory <= kubelets.SYSTEM_MEMORY
    assert number <= kubelets.SYSTEM_PODS


def test_the_addons_ask_for_no_less_than_a_rehearsal_gives_them():
    planned = {addon.name: addon for addon in addons.EKS}
    seen = set()
    for name in addon_objects.NAMES:
        for workload in addon_objects.objects(name, "v1", {}):
            if workload["kind"] not in ("DaemonSet", "Deployment"):
                continue
            addon = planned[workload["metadata"]["name"]]
            requests = [
                each["resources"].get("requests", {}) for each in workload["spec"]["template"]["spec"]["containers"]
            ]
            assert addon.cpu >= sum(cpu(each["cpu"]) for each in requests if "cpu" in each)
            assert addon.memory >= sum(memory(each["memory"]) for each in requests if "memory" in each)
            assert addon.replicas == workload["spec"].get("replicas")
            seen.add(addon.name)
    assert set(planned) - seen == {"aws-load-balancer-controller", "cluster-autoscaler"}


@pytest.mark.parametrize(
    ("name", "given"),
    [("aws-load-balancer-controller", load_balancer.RESOURCES), ("cluster-autoscaler", autoscaler.RESOURCES)],
)
def test_the_controllers_ask_for_what_the_program_gives_them(name, given):
    addon = next(each for each in addons.EKS if each.name == name)
    assert (addon.cpu, addon.memory) == (cpu(given.cpu_request), memory(given.memory_request))


@settings(max_examples=40)
@given(requests, st.integers(0, 10000))
def test_the_pods_of_a_plan_fit_beside_the_addons_themselves(request, seed):
    """Not with an estimate: with each add-on's own requests, in what the kubelet offers, in any order of arrival."""
    plan = sizing.plan(request)
    own_cpu, own_memory, number = addons.daemons()
    pools = []
    for planned in plan.pools:
        shape = machines.shape_of(planned, "aws")
        whole = kubelets.allocatable("eks", cpu=shape.cpu, memory_gib=shape.memory_gib, instance=shape.instance)
        room = Room(cpu=whole.cpu - own_cpu, memory=whole.memory - own_memory, pods=whole.pods - number)
        pools.append(Pool(name=planned.name, count=planned.count, room=room, zones=planned.zones))
    own = [
        Pod(
            name=f"{addon.name}-{replica}", owner=addon.name, cpu=addon.cpu, memory=addon.memory, stage=Stage.FOUNDATION
        )
        for addon in addons.EKS
        for replica in range(addon.replicas or 0)
    ]
    order = random.Random(seed)
    assert scheduler.install(Cluster(pools, order), [*own, *pods.of(plan).base], order) is None


@pytest.mark.parametrize(
    ("own", "named"),
    [
        ({"node_cpu": 12, "node_memory_gib": 96}, "r6i.4xlarge"),
        ({"node_cpu": 16, "node_memory_gib": 64}, "m6i.4xlarge"),
        ({"node_cpu": 8}, "m6i.2xlarge"),
        ({"node_memory_gib": 100}, "r6i.4xlarge"),
        ({"node_type": "m7i.8xlarge"}, "m7i.8xlarge"),
    ],
)
def test_nodes_that_are_made_are_of_a_type_that_has_at_least_what_is_asked_for(own, named):
    assert sizing.plan(_aws(overrides=sizing.Overrides(**own))).nodes.instance_types == (named,)


def test_nodes_that_are_brought_are_described_as_they_are():
    overrides = sizing.Overrides(node_count=4, node_cpu=12, node_memory_gib=96)
    plan = sizing.plan(_aws(makes_nodes=False, overrides=overrides))
    assert (plan.nodes.count, plan.nodes.cpu, plan.nodes.memory_gib) == (4, 12, 96)
    assert plan.nodes.instance_types == ()
    assert not plan.nodes.autoscaled
    assert plan.clickhouse_nodes is None
    assert plan.mysql is not None
    assert plan.mysql.class_name == "db.r6g.2xlarge", "the data stores are AWS' nevertheless"


def test_without_an_autoscaler_the_nodes_hold_an_update_and_no_more_of_them_come():
    plan = sizing.plan(_aws(autoscaled=False))
    assert plan.nodes.max_count == plan.nodes.count
    assert packing.in_turns([machines.schedulable(each, "aws") for each in plan.pools], pods.of(plan)) is None
    assert sizing.fit(plan).fits


def test_a_test_may_have_an_autoscaler_too():
    assert sizing.plan(_aws("test", autoscaled=True)).nodes.autoscaled


@given(st.sampled_from(PRODUCTS), st.sampled_from([None, *SCALES]), st.integers(1, 20))
def test_spot_nodes_are_as_large_as_the_others_and_no_pod_counts_on_them(products, scale, most):
    plain = sizing.Request(environment="production", products=products, cloud="aws", scale=scale)
    with_spot = _aws(products=products, scale=scale, overrides=sizing.Overrides(spot_node_count=most))
    plan, spot = sizing.plan(with_spot), sizing.plan(with_spot).spot_nodes
    assert spot is not None
    assert spot not in plan.pools
    assert (spot.count, spot.max_count, spot.spot) == (0, most, True)
    assert (spot.cpu, spot.memory_gib, spot.allocatable) == (
        plan.nodes.cpu,
        plan.nodes.memory_gib,
        plan.nodes.allocatable,
    )
    assert len(spot.instance_types) > 1, "one type alone is interrupted more often"
    assert spot.taint, "only what tolerates an interruption comes here"
    assert sizing.plan(plain).nodes == plan.nodes


@given(st.sampled_from(aws.NODES))
def test_interchangeable_types_leave_the_same_room(offered):
    rooms = {
        kubelets.allocatable("eks", cpu=each.cpu, memory_gib=each.memory_gib, instance=each)
        for name in catalogue.interchangeable("aws", offered.name)
        if (each := catalogue.instance_type("aws", name))
    }
    assert len(rooms) == 1


@pytest.mark.parametrize(
    ("wrong", "more", "problem"),
    [
        ({"node_type": "r6g.4xlarge"}, {}, "take r6i.4xlarge or r6a.4xlarge"),
        ({"node_type": "r6g.4xlarge"}, {}, "W&B's containers run on x86-64 alone"),
        ({"mysql_class": "db.r6.large"}, {}, "; take db.r6"),
        ({"redis_class": "cache.t3.micro"}, {}, "is not in the catalogue of aws"),
        ({"node_cpu": 4000}, {}, "no type in the catalogue of aws has 4000 vCPU; the largest has 64 vCPU and 512 GiB"),
        ({"node_type": "r6i.large", "node_cpu": 4}, {}, "give either the type or cores and memory, not both"),
        ({"spot_node_count": 3, "spot_node_types": ("r6i.large", "r6i.xlarge")}, {}, "is not as large as r6i.large"),
        ({"spot_node_count": 3, "spot_node_types": ("r6g.large",)}, {}, "spot_node_types: 'r6g.large' is not in"),
        ({"spot_node_types": ("r6i.large",)}, {}, "without spot_node_count there is no spot pool"),
        ({"spot_node_count": 3}, {"autoscaled": False}, "spot nodes come by the autoscaler, which is off"),
        ({"spot_node_count": 3}, {"makes_nodes": False}, "only where this project makes the nodes"),
    ],
)
def test_what_aws_does_not_have_is_refused_with_what_it_has(wrong, more, problem):
    with pytest.raises(sizing.InvalidRequest, match=problem):
        _aws(overrides=sizing.Overrides(**wrong), **more)


def test_a_database_with_too_few_connections_is_a_warning():
    small = sizing.Overrides(mysql_class="db.r6g.large")
    report = sizing.fit(sizing.plan(_aws(scale="large", overrides=small)))
    assert any("db.r6g.large allows 1000 connections by default" in warning for warning in report.warnings)
    assert not any("connections" in warning for warning in sizing.fit(sizing.plan(_aws(scale="large"))).warnings)
