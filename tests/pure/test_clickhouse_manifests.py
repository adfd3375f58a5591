"""The custom resources for ClickHouse and Keeper, over the whole space of what can be asked for."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree

from hypothesis import example, given
from hypothesis import strategies as st

from components import contracts
from components.clickhouse import keeper, names, network, pods, server, users
from tests.harness import clickhouse_space as space

MANIFESTS = st.one_of(space.servers().map(server.manifest), space.keepers().map(keeper.manifest))
SWITCHES = ("pdbManaged", ".auto", "probes.readiness", "replicas.new")
"""Fields of the operator's string-boolean type that the manifests use."""


@given(MANIFESTS)
def test_every_switch_of_the_operator_is_a_string(manifest: dict[str, Any]) -> None:
    pod_specs = ("podTemplates", "serviceTemplates", "volumeClaimTemplates")
    for path, value in space.leaves(manifest["spec"]):
        if not any(part in path for part in pod_specs):
            assert not isinstance(value, bool), path
        if path.endswith(SWITCHES):
            assert value in ("yes", "no"), path


@given(MANIFESTS)
def test_volumes_are_kept_whatever_is_deleted(manifest: dict[str, Any]) -> None:
    spec = manifest["spec"]
    assert spec["defaults"]["storageManagement"]["reclaimPolicy"] == "Retain"
    assert [claim["reclaimPolicy"] for claim in spec["templates"]["volumeClaimTemplates"]] == ["Retain"]
    for policies in spec.get("reconcile", {}).get("cleanup", {}).values():
        assert policies["pvc"] == "Retain"


@given(MANIFESTS)
def test_templates_that_are_named_exist(manifest: dict[str, Any]) -> None:
    templates = manifest["spec"]["templates"]
    kinds = {"podTemplate": "podTemplates", "dataVolumeClaimTemplate": "volumeClaimTemplates"}
    kinds["serviceTemplate"] = "serviceTemplates"
    for kind, name in manifest["spec"]["defaults"]["templates"].items():
        assert name in [template["name"] for template in templates[kinds[kind]]]


@given(MANIFESTS)
def test_pulumi_waits_for_this_very_spec(manifest: dict[str, Any]) -> None:
    task = manifest["spec"]["taskID"]
    waits = json.loads(manifest["metadata"]["annotations"]["pulumi.com/waitFor"])
    assert waits == [f"jsonpath={{.status.taskID}}={task}", "jsonpath={.status.status}=Completed"]
    assert not task.startswith("auto-")


@given(MANIFESTS)
def test_the_first_container_is_the_one_that_the_operator_looks_for(manifest: dict[str, Any]) -> None:
    pod = manifest["spec"]["templates"]["podTemplates"][0]["spec"]
    expected = {"ClickHouseInstallation": "clickhouse", "ClickHouseKeeperInstallation": "clickhouse-keeper"}
    assert pod["containers"][0]["name"] == expected[manifest["kind"]]


@given(MANIFESTS)
def test_pods_obey_the_restricted_pod_security_standard(manifest: dict[str, Any]) -> None:
    pod = manifest["spec"]["templates"]["podTemplates"][0]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["securityContext"].get("runAsUser") != 0
    for container in pod["containers"]:
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["privileged"] is False
        assert context["capabilities"] == {"drop": ["ALL"]}


@given(MANIFESTS)
def test_no_two_pods_share_a_node(manifest: dict[str, Any]) -> None:
    pod = manifest["spec"]["templates"]["podTemplates"][0]["spec"]
    label = names.CHI_LABEL if manifest["kind"] == "ClickHouseInstallation" else names.CHK_LABEL
    assert pod["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"] == [
        {
            "topologyKey": "kubernetes.io/hostname",
            "labelSelector": {"matchLabels": {label: manifest["metadata"]["name"]}},
        }
    ]


@given(st.integers(1, 6))
def test_pods_are_forced_into_different_zones_where_there_are_three(zones: int) -> None:
    cluster = space.cluster(zones)
    made = server.manifest(space.server(cluster=cluster)), keeper.manifest(space.keeper(cluster=cluster))
    for manifest in made:
        rule = manifest["spec"]["templates"]["podTemplates"][0]["spec"]["topologySpreadConstraints"][0]
        assert rule["topologyKey"] == "topology.kubernetes.io/zone"
        assert rule["whenUnsatisfiable"] == ("DoNotSchedule" if zones >= 3 else "ScheduleAnyway")


@given(st.integers(1, 9), st.integers(1, 6))
def test_the_replicas_of_each_shard_are_spread_over_the_zones_by_themselves(shards: int, zones: int) -> None:
    args = space.server(shards=shards, cluster=space.cluster(zones), user=space.user(distributed=shards > 1))
    spec = server.manifest(args)["spec"]
    assert spec["configuration"]["clusters"][0]["layout"] == {"shardsCount": shards, "replicasCount": 3}
    rule = spec["templates"]["podTemplates"][0]["spec"]["topologySpreadConstraints"][0]
    assert rule.get("matchLabelKeys") == (["clickhouse.altinity.com/shard"] if shards > 1 else None)


def test_only_who_distributes_tables_may_reach_other_hosts() -> None:
    for distributed in (False, True):
        made = server.manifest(space.server(user=space.user(distributed=distributed)))
        grants = made["spec"]["configuration"]["users"]["weave/grants/query"]
        assert ("GRANT REMOTE ON *.*" in grants) is distributed
        assert (server.TABLES_ANNOTATION in made["metadata"]["annotations"]) is distributed


def test_where_clickhouse_has_nodes_of_its_own_its_pods_run_there_and_nowhere_else() -> None:
    cluster = space.cluster(clickhouse_pool="dedicated=clickhouse")
    for made in (server.manifest(space.server(cluster=cluster)), keeper.manifest(space.keeper(cluster=cluster))):
        pod = made["spec"]["templates"]["podTemplates"][0]["spec"]
        assert pod["nodeSelector"] == {"dedicated": "clickhouse"}
        (toleration,) = pod["tolerations"]
        assert toleration == {"key": "dedicated", "operator": "Equal", "value": "clickhouse", "effect": "NoSchedule"}


def test_without_nodes_of_its_own_clickhouse_runs_wherever_there_is_room() -> None:
    for made in (server.manifest(space.server()), keeper.manifest(space.keeper())):
        pod = made["spec"]["templates"]["podTemplates"][0]["spec"]
        assert not {"nodeSelector", "tolerations"} & pod.keys()


@given(space.servers())
@example(space.server(installation="i" * 15, cluster_name="c" * 15, namespace="n" * 63, shards=9, replicas=9))
def test_names_stay_within_the_limits_of_kubernetes(args: server.ServerArgs) -> None:
    manifest = server.manifest(args)
    cluster = manifest["spec"]["configuration"]["clusters"][0]["name"]
    pod = f"chi-{args.installation}-{cluster}-{args.shards - 1}-{args.replicas - 1}-0"
    # a pod's name is also its host name and the value of a label
    assert len(pod) < 63
    # with its domain it is a host name of the DNS
    assert len(f"{pod[:-2]}.{args.namespace}.svc.cluster.local") <= 253
    # the StatefulSet's controller adds a hash of up to eleven characters in a label of its pods
    assert len(pod) - 2 + 11 <= 63


@given(space.servers())
def test_every_keeper_node_is_named_by_its_own_host(args: server.ServerArgs) -> None:
    nodes = server.manifest(args)["spec"]["configuration"]["zookeeper"]["nodes"]
    hosts = [node["host"] for node in nodes]
    assert hosts == [
        f"chk-{args.installation}-keeper-0-{index}.{args.namespace}.svc.cluster.local" for index in range(args.keepers)
    ]


@given(space.servers())
def test_no_two_replicas_of_any_installation_share_a_path_in_a_bucket(args: server.ServerArgs) -> None:
    spec = server.manifest(args)["spec"]
    files = spec["configuration"]["files"]
    endpoint = ElementTree.fromstring(files["config.d/storage_configuration.xml"]).findtext(".//endpoint")
    own = f"/weave/{args.namespace}/{{installation}}/{{cluster}}/{{shard}}/{{replica}}/"
    if args.bucket.provider == "az":
        container = spec["templates"]["podTemplates"][0]["spec"]["containers"][0]
        endpoint = next(each["value"] for each in container["env"] if each["name"] == "CLICKHOUSE_AZURE_ENDPOINT")
        # the pod's name has installation, cluster, shard and replica in it
        own = f"/weave/{args.namespace}/{args.installation}/{args.cluster_name}/$(POD_NAME)"
    assert endpoint is not None
    assert endpoint.endswith(own)


@given(space.servers())
def test_the_cache_takes_at_most_half_of_the_volume(args: server.ServerArgs) -> None:
    spec = server.manifest(args)["spec"]
    files = spec["configuration"]["files"]
    size = ElementTree.fromstring(files["config.d/storage_configuration.xml"]).findtext(".//max_size")
    volume = spec["templates"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"]
    assert size is not None
    assert size.endswith("Gi")
    assert int(size.removesuffix("Gi")) <= int(volume.removesuffix("Gi")) / 2


@given(space.servers())
def test_configuration_files_sort_behind_those_of_the_operator(args: server.ServerArgs) -> None:
    for name in server.manifest(args)["spec"]["configuration"]["files"]:
        folder, _, file = name.partition("/")
        assert folder == "config.d"
        assert file > "chop-generated-zzz"


@given(space.servers())
def test_no_secret_text_is_in_the_manifest(args: server.ServerArgs) -> None:
    text = json.dumps(server.manifest(args))
    assert space.PASSWORD not in text
    assert users.password_hash(space.PASSWORD) not in text
    for variable in server.manifest(args)["spec"]["templates"]["podTemplates"][0]["spec"]["containers"][0]["env"]:
        if "KEY" in variable["name"]:
            assert set(variable) == {"name", "valueFrom"}
            # not optional: a missing Secret must stop the pod, not start a server without credentials
            assert set(variable["valueFrom"]["secretKeyRef"]) == {"name", "key"}


@given(space.servers())
def test_the_only_password_is_a_hash_by_reference(args: server.ServerArgs) -> None:
    settings = server.manifest(args)["spec"]["configuration"]["users"]
    passwords = {key: value for key, value in settings.items() if "password" in key}
    assert passwords == {
        "weave/password_sha256_hex": {
            "valueFrom": {"secretKeyRef": {"name": "clickhouse-weave-user", "key": "password_sha256_hex"}}
        }
    }


@given(space.servers(), space.servers())
def test_the_task_changes_exactly_when_the_spec_does(one: server.ServerArgs, other: server.ServerArgs) -> None:
    first, again, second = server.manifest(one), server.manifest(one), server.manifest(other)
    assert first["spec"]["taskID"] == again["spec"]["taskID"]
    same = {**first["spec"], "taskID": ""} == {**second["spec"], "taskID": ""}
    assert (first["spec"]["taskID"] == second["spec"]["taskID"]) is same


def test_a_new_password_or_revision_restarts_the_servers() -> None:
    def restarted_by(args: server.ServerArgs) -> tuple[Any, Any]:
        spec = server.manifest(args)["spec"]
        return spec["templates"]["podTemplates"][0]["metadata"]["annotations"]["wandb.pulumi/credentials"], spec[
            "taskID"
        ]

    changed = [restarted_by(space.server(user=user)) for user in (space.USER, space.user("AnotherPassword"))]
    changed.append(restarted_by(space.server(revision="2")))
    assert len({annotation for annotation, _ in changed}) == 3
    assert len({task for _, task in changed}) == 3


def test_a_new_revision_makes_the_operator_go_over_keeper_again_and_restarts_no_node() -> None:
    one, other = (keeper.manifest(space.keeper(revision=revision))["spec"] for revision in ("", "2"))
    assert one["taskID"] != other["taskID"]
    assert one["templates"] == other["templates"]


def test_one_replica_is_replicated_all_the_same_so_that_it_can_grow() -> None:
    spec = server.manifest(space.server(replicas=1, keepers=1))["spec"]
    assert spec["configuration"]["clusters"][0]["layout"] == {"shardsCount": 1, "replicasCount": 1}
    assert len(spec["configuration"]["zookeeper"]["nodes"]) == 1


def test_an_identity_reaches_the_pods_and_leaves_no_keys() -> None:
    identity = contracts.Identity(pod_labels={"azure.workload.identity/use": "true"})
    template = server.manifest(space.server(bucket=space.S3, identity=identity))["spec"]["templates"]["podTemplates"][0]
    assert template["metadata"]["labels"]["azure.workload.identity/use"] == "true"
    assert template["spec"]["serviceAccountName"] == server.SERVICE_ACCOUNT
    names_of_variables = [variable["name"] for variable in template["spec"]["containers"][0]["env"]]
    assert names_of_variables == ["AWS_DEFAULT_REGION", "AWS_REGION"]


def _ports(policy: dict[str, Any], peer: dict[str, Any]) -> set[int]:
    rules = [rule for rule in policy["spec"]["ingress"] if peer in rule["from"]]
    return {port["port"] for rule in rules for port in rule["ports"]}


def test_only_those_who_need_them_reach_servers_and_keeper() -> None:
    args = network.NetworkArgs(namespace="clickhouse", wandb_namespace="wandb", monitoring_namespace="monitoring")
    servers, keepers = network.server_policy(args), network.keeper_policy(args)

    def namespace(name: str) -> dict[str, Any]:
        return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}

    chi = {"podSelector": {"matchLabels": {names.CHI_LABEL: "wandb"}}}
    chk = {"podSelector": {"matchLabels": {names.CHK_LABEL: "wandb"}}}
    assert _ports(servers, namespace("wandb")) == {8123, 9000}
    assert _ports(servers, {"podSelector": {}}) == {8123, 9000}
    assert _ports(servers, chi) == {9009}
    assert _ports(servers, namespace("monitoring")) == {9363}
    assert _ports(keepers, chi) == {2181}
    assert _ports(keepers, chk) == {9444}
    assert _ports(keepers, namespace("wandb")) == set()
    for policy in (servers, keepers):
        assert policy["spec"]["policyTypes"] == ["Ingress"]
        assert all(rule["from"] for rule in policy["spec"]["ingress"]), "a rule without peers lets everybody in"


def test_ids_are_the_images_the_platforms_or_ones_own() -> None:
    def security(ids: pods.Ids) -> dict[str, Any]:
        spec = keeper.manifest(space.keeper(ids=ids))["spec"]["templates"]["podTemplates"][0]["spec"]
        return {
            name: value
            for name, value in spec["securityContext"].items()
            if name.startswith(("runAsU", "runAsG", "fsGroup"))
        }

    other = {"fsGroupChangePolicy": "OnRootMismatch"}
    assert security(pods.IMAGE) == {"runAsUser": 101, "runAsGroup": 101, "fsGroup": 101, **other}
    assert security(pods.PLATFORM) == other
    own = pods.Ids(user=1000810000, group=0, volumes=1000810000)
    assert security(own) == {"runAsUser": 1000810000, "runAsGroup": 0, "fsGroup": 1000810000, **other}
