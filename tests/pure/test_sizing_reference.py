"""W&B's tables, the instance catalogue and what kubelets leave: the numbers as the documents have them."""

from __future__ import annotations

import pytest

from sizing import catalogue, kubelets, reference
from sizing.quantity import GI, MI, cpu, cpu_text, memory, memory_text


@pytest.mark.parametrize(
    ("environment", "mix", "cores", "gib"),
    [
        ("test", "models", 2, 16),
        ("test", "weave", 4, 32),
        ("test", "models and weave", 4, 32),
        ("production", "models", 8, 64),
        ("production", "weave", 12, 96),
        ("production", "models and weave", 16, 128),
    ],
)
def test_worker_nodes_are_those_of_the_reference_architecture(environment, mix, cores, gib):
    node = reference.NODES[environment, mix]
    assert (node.cpu, node.memory_gib, node.disk_gib) == (cores, gib, 100)
    assert str(node.source) == "W&B Reference Architecture: Kubernetes sizing"


def test_mysql_is_that_of_the_reference_architecture():
    small, large = reference.MYSQL["test"], reference.MYSQL["production"]
    assert (small.cpu, small.memory_gib, small.disk_gib) == (2, 16, 100)
    assert (large.cpu, large.memory_gib, large.disk_gib) == (8, 64, 500)


def test_numbers_of_users_have_the_node_counts_of_the_operator_requirements():
    assert [tier.nodes for tier in reference.TIERS.values()] == [3, 5, 10]


def test_clickhouse_is_the_minimum_in_a_test_and_the_recommendation_in_production():
    small, large = reference.CLICKHOUSE["test"], reference.CLICKHOUSE["production"]
    assert (str(small.server), small.volume_gib) == ("1 / 1Gi, up to 4 / 16Gi", 50)
    assert (str(small.keeper), small.keeper_volume_gib) == ("500m / 256Mi, up to 1 / 2Gi", 10)
    assert (str(large.server), large.volume_gib) == ("1 / 8Gi, up to 16 / 64Gi", 200)
    assert (str(large.keeper), large.keeper_volume_gib) == ("1 / 1Gi, up to 2 / 4Gi", 20)


@pytest.mark.parametrize("cloud", ["aws", "gcp", "azure"])
def test_every_recommended_type_or_its_replacement_is_in_the_catalogue_and_as_large_as_the_table_asks(cloud):
    for key, documented in reference.INSTANCES[cloud].items():
        instance = catalogue.instance_type(cloud, catalogue.current(documented))
        assert instance is not None
        assert instance.cpu >= reference.NODES[key].cpu
        assert instance.memory_gib >= reference.NODES[key].memory_gib
    for environment, documented in reference.MYSQL_CLASSES[cloud].items():
        database = catalogue.database_class(cloud, catalogue.current(documented))
        assert database is not None
        assert (database.cpu, database.memory_gib) == (
            reference.MYSQL[environment].cpu,
            reference.MYSQL[environment].memory_gib,
        )


@pytest.mark.parametrize(
    ("cloud", "flavour", "name", "milli", "mib", "pods"),
    [
        ("aws", "eks", "r6i.large", 1930, 15710, 29),
        ("aws", "eks", "r6i.xlarge", 3920, 31775, 58),
        ("aws", "eks", "r6i.2xlarge", 7910, 64543, 58),
        ("aws", "eks", "r6i.4xlarge", 15890, 128143, 110),
        ("gcp", "gke", "n2-highmem-2", 1930, 13621, 110),
        ("gcp", "gke", "n2-highmem-4", 3920, 29022, 110),
        ("gcp", "gke", "n2-highmem-8", 7910, 59824, 110),
        ("gcp", "gke", "n2-highmem-16", 15890, 121428, 110),
        ("azure", "aks", "Standard_E2s_v5", 1900, 14034, 110),
        ("azure", "aks", "Standard_E4s_v5", 3860, 30418, 110),
        ("azure", "aks", "Standard_E8s_v5", 7820, 63186, 110),
        ("azure", "aks", "Standard_E16s_v5", 15740, 128722, 110),
    ],
)
def test_kubelets_reserve_what_the_vendors_formulas_say(cloud, flavour, name, milli, mib, pods):
    instance = catalogue.instance_type(cloud, name)
    assert instance is not None
    size = {"cpu": instance.cpu, "memory_gib": instance.memory_gib, "instance": instance}
    room = kubelets.allocatable(flavour, **size)
    assert (room.cpu, room.pods) == (milli, pods)
    assert kubelets.nominal_memory_mib(flavour, **size) == mib
    assert room.memory < mib * MI, "firmware and kernel keep a part of the nominal memory"


@pytest.mark.parametrize(("cores", "gib", "mib"), [(2, 16, 13256), (4, 32, 28373), (8, 64, 58605), (16, 128, 119070)])
def test_gke_nodes_lose_what_googles_own_estimate_says(cores, gib, mib):
    assert kubelets.allocatable("gke", cpu=cores, memory_gib=gib).memory // MI == mib


@pytest.mark.parametrize("size", catalogue.SHAPES)
def test_a_cluster_of_any_kind_is_planned_with_the_least_that_a_cloud_would_leave(size):
    shape = {"cpu": size[0], "memory_gib": size[1]}
    anywhere = kubelets.allocatable("any", **shape)
    for flavour in ("eks", "gke", "aks"):
        room = kubelets.allocatable(flavour, **shape)
        assert anywhere.cpu <= room.cpu
        assert anywhere.memory <= room.memory


@pytest.mark.parametrize(("text", "milli"), [("500m", 500), ("2", 2000), ("0.5", 500), ("1.5", 1500)])
def test_cpu_quantities_are_read_and_written(text, milli):
    assert cpu(text) == milli
    assert cpu(cpu_text(milli)) == milli


@pytest.mark.parametrize(("text", "size"), [("512Mi", 512 * MI), ("4Gi", 4 * GI), ("256M", 256_000_000), ("1", 1)])
def test_memory_quantities_are_read_and_never_written_smaller(text, size):
    assert memory(text) == size
    assert memory(memory_text(size)) >= size


@pytest.mark.parametrize("text", ["", "lots", "-1", "4gi", "1Gi "])
def test_what_is_no_quantity_is_refused(text):
    with pytest.raises(ValueError, match="is not an amount"):
        cpu(text)
    with pytest.raises(ValueError, match="is not an amount"):
        memory(text)
