"""The values of W&B's chart: what they say, and that they say nothing which the chart does not know."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

import pytest
from hypothesis import given

from components import contracts
from components.wandb import bucket
from components.wandb.inventory import COMPONENTS, running
from components.wandb.values import NEVER_INSTALLED, ComponentSizing, ValuesArgs, values
from sizing import chart
from tests.harness import wandb_space as space

EVERY_COMPONENT = r"(api|app|console|executor|frontend|glue|parquet|weave|weave-trace)"
OPENS_BUCKET = r"(api|app|executor|glue|parquet)"
INTERRUPTIBLE = r"(console|frontend|weave)"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
EMITTED = (
    r"reconcileFrequency",
    r"global\.(host|size|cloudProvider)",
    r"global\.licenseSecret\.(name|key)",
    r"global\.mysql\.(host|port|database|user|passwordSecret\.name|passwordSecret\.passwordKey)",
    r"global\.redis\.(host|port|params\.tls|secret\.secretName|secret\.secretKey)",
    r"global\.clickhouse\.(host|port|database|user|replicated|passwordSecret\.name|passwordSecret\.passwordKey)",
    r"global\.bucket\.(provider|name|path|region|kmsKey)",
    r"global\.bucket\.secret\.(secretName|accessKeyName|secretKeyName)",
    r"global\.env\.(BUCKET_PROXY|GORILLA_FILE_STORE_IS_PROXIED|GORILLA_GLUE_FILE_STORE_IS_PROXIED)",
    r"global\.env\.WF_CLICKHOUSE_REPLICATED_CLUSTER",
    r"global\.(api|glue|executor|weave-trace)\.enabled",
    r"global\.(pod|deployment)\.annotations\.wandb\.pulumi/(license|revision|(mysql|redis|clickhouse)-password)",
    r"(app|console|executor|frontend|parquet|weave|weave-trace)\.install",
    r"(mysql|redis|prometheus|otel|appRenamePreHook|appRenamePostHook)\.install",
    r"app\.internalJWTMap",
    r"frontend\.env\.FRONTEND_WEAVE_BACKEND",
    r"glue\.leaderElection\.enabled",
    r"ingress\.(class|tls|annotations\..+)",
    rf"{EVERY_COMPONENT}\.image\.tag",
    rf"{EVERY_COMPONENT}\.securityContext\.capabilities\.drop",
    rf"(?!console){EVERY_COMPONENT}\.resources\.(requests|limits)\.(cpu|memory)",
    r"console\.containers\.console\.resources\.(requests|limits)\.(cpu|memory)",
    rf"{EVERY_COMPONENT}\.(replicaCount|autoscaling\.horizontal\.(enabled|minReplicas|maxReplicas))",
    rf"{OPENS_BUCKET}\.serviceAccount\.annotations\..+",
    rf"{OPENS_BUCKET}\.podLabels\..+",
    rf"{INTERRUPTIBLE}\.(tolerations|affinity\.nodeAffinity\.{PREFERRED})",
)
"""Every path that may be emitted. Held against the chart's own list in tests/cluster/test_wandb_manifests.py."""
NUMBERS = re.compile(r".*\.(port|replicaCount|minReplicas|maxReplicas)")
FLAGS = re.compile(r".*\.(install|enabled|replicated)")
LISTS = re.compile(rf"app\.internalJWTMap|ingress\.tls|.*\.capabilities\.drop|.*\.(tolerations|{PREFERRED})")


def flat(tree: dict[str, Any]) -> dict[str, Any]:
    return {".".join(path): value for path, value in space.leaves(tree)}


@given(space.installations())
def test_no_path_is_emitted_that_is_not_known_to_be_live(args: ValuesArgs) -> None:
    unknown = [path for path in flat(values(args)) if not any(re.fullmatch(known, path) for known in EMITTED)]
    assert unknown == []


@given(space.installations())
def test_every_leaf_has_the_type_that_the_chart_and_the_operators_merge_expect(args: ValuesArgs) -> None:
    for path, value in flat(values(args)).items():
        if LISTS.fullmatch(path):
            assert isinstance(value, list), path
        elif NUMBERS.fullmatch(path):
            assert type(value) is int, path
        elif FLAGS.fullmatch(path):
            assert type(value) is bool, path
        else:
            assert type(value) is str, path


@given(space.installations())
def test_values_are_json_and_the_same_for_the_same_arguments(args: ValuesArgs) -> None:
    assert json.loads(json.dumps(values(args))) == values(args)
    assert json.dumps(values(args)) == json.dumps(values(args))


@given(space.installations())
def test_no_two_values_share_a_part_that_somebody_could_change(args: ValuesArgs) -> None:
    first, second = values(args), values(args)
    first["app"]["securityContext"]["capabilities"]["drop"].append("changed")
    first["global"].setdefault("env", {})["CHANGED"] = "true"
    assert values(args) == second


@given(space.installations())
def test_passwords_and_licence_appear_as_references_alone(args: ValuesArgs) -> None:
    inline = re.compile(r".*(^|\.)(password|accessKey|secretKey|license|caCert|oidc|smtp)")
    name_of_a_key = {"global.redis.secret.secretKey"}
    assert {path for path in flat(values(args)) if inline.fullmatch(path)} <= name_of_a_key


@given(space.installations())
def test_an_operator_of_the_next_generation_can_convert_the_resource(args: ValuesArgs) -> None:
    tree = values(args)
    assert tree["global"]["size"] in ("dev", "micro", "small", "medium", "large", "xlarge", "xxlarge")
    assert "valueFrom" not in json.dumps(tree)
    assert len(tree["ingress"].get("tls", [])) <= 1
    for block in (tree["ingress"], tree["app"].get("serviceAccount", {})):
        assert all(type(value) is str for value in block.get("annotations", {}).values())
    if args.identity.service_account_annotations:
        assert "serviceAccount" in tree["app"]
    if args.image_tag:
        assert type(tree["app"]["image"]["tag"]) is str
        assert tree["app"]["image"]["tag"] != "latest"


@given(space.installations())
def test_every_switch_is_set_and_exactly_the_products_components_are_on(args: ValuesArgs) -> None:
    tree = flat(values(args))
    for component in COMPONENTS:
        if component.optional:
            assert not [each for each in component.switches if each in tree], "off is what the chart has it at"
        else:
            assert {tree[switch] for switch in component.switches} == {component in running(args.products)}
    for name in NEVER_INSTALLED:
        assert tree[f"{name}.install"] is False


@given(space.installations())
def test_every_image_is_pinned_unless_the_release_channel_decides(args: ValuesArgs) -> None:
    tree = values(args)
    tags = {tree[component.name].get("image", {}).get("tag") for component in running(args.products)}
    assert tags == {args.image_tag}


@given(space.installations())
def test_only_components_that_open_the_bucket_carry_its_identity(args: ValuesArgs) -> None:
    tree = values(args)
    for component in running(args.products):
        block = tree[component.name]
        wanted = component.opens_bucket and bool(args.identity.service_account_annotations)
        assert ("serviceAccount" in block) is wanted
        assert ("podLabels" in block) is (component.opens_bucket and bool(args.identity.pod_labels))


@given(space.installations())
def test_weave_is_switched_on_with_its_database_and_its_caller_or_not_at_all(args: ValuesArgs) -> None:
    tree = values(args)
    weave = "weave" in args.products
    assert ("clickhouse" in tree["global"]) is weave
    assert bool(tree["app"]["internalJWTMap"]) is weave
    assert args.clickhouse is not None
    replicated = weave and args.clickhouse.cluster is not None
    assert ("WF_CLICKHOUSE_REPLICATED_CLUSTER" in tree["global"].get("env", {})) is replicated
    if weave:
        assert tree["global"]["clickhouse"]["replicated"] is replicated


def test_weave_alone_needs_no_pipelines_of_models() -> None:
    assert [each.name for each in running({"weave"})] == ["api", "app", "console", "frontend", "glue", "weave-trace"]


def test_models_alone_needs_no_trace_server() -> None:
    names = [each.name for each in running({"models"})]
    assert names == ["api", "app", "console", "frontend", "glue", "executor", "parquet", "weave"]


def test_the_frontend_of_weave_alone_forwards_to_no_host_that_is_not_there() -> None:
    alone = values(space.arguments(products=frozenset({"weave"})))
    assert alone["frontend"]["env"] == {"FRONTEND_WEAVE_BACKEND": "wandb-app:8080"}
    assert "env" not in values(space.arguments())["frontend"]


def test_weaves_trace_server_is_known_by_the_clusters_issuer() -> None:
    tree = values(space.arguments(namespace="ml", service_account_issuer="https://oidc.example.com/id/1"))
    subject = "system:serviceaccount:ml:wandb-weave-trace"
    assert tree["app"]["internalJWTMap"] == [{"subject": subject, "issuer": "https://oidc.example.com/id/1"}]


@pytest.mark.parametrize(
    ("given_bucket", "expected"),
    [
        (space.S3, {"name": "wandb-data"}),
        (space.COMPATIBLE, {"name": "seaweedfs.wandb.svc.cluster.local:8333", "path": "wandb?tls=false"}),
        (
            contracts.Bucket(provider="s3", name="b", region="r", endpoint="https://store.example.com"),
            {"name": "store.example.com:443", "path": "b?tls=true"},
        ),
        (
            contracts.Bucket(provider="s3", name="b", region="r", endpoint="http://10.0.0.7:9000/"),
            {"name": "10.0.0.7:9000", "path": "b?tls=false"},
        ),
        (
            contracts.Bucket(provider="az", name="account/container/prefix", region="r"),
            {"name": "account", "path": "container/prefix"},
        ),
        (contracts.Bucket(provider="gcs", name="b", region="r", kms_key="k"), {"name": "b", "kmsKey": "k"}),
    ],
    ids=["s3", "compatible", "compatible with TLS", "compatible by address", "azure", "gcs"],
)
def test_a_bucket_is_written_as_the_chart_reads_it(given_bucket: contracts.Bucket, expected: dict[str, str]) -> None:
    written = bucket.bucket_values(given_bucket)
    written.pop("secret", None)
    assert written == {"provider": given_bucket.provider, "region": given_bucket.region, **expected}


@pytest.mark.parametrize(
    "endpoint",
    ["store:9000", "ftp://store", "https://", "https://store/bucket", "s3://store", "http://[fd00::7]:9000"],
)
def test_an_endpoint_that_is_no_address_of_a_store_is_refused(endpoint: str) -> None:
    with pytest.raises(ValueError, match="is not of the form https://host:port"):
        bucket.endpoint_address(endpoint)


def test_only_s3_has_endpoints() -> None:
    with pytest.raises(ValueError, match="provider gcs has no endpoint"):
        bucket.bucket_values(contracts.Bucket(provider="gcs", name="b", region="r", endpoint="https://store"))


def test_azure_needs_account_and_container() -> None:
    with pytest.raises(ValueError, match="is not of the form account/container"):
        bucket.bucket_values(contracts.Bucket(provider="az", name="account", region="r"))


def test_files_of_a_store_that_users_cannot_reach_go_through_wandb() -> None:
    assert set(bucket.PROXY_ENVIRONMENT) <= set(values(space.arguments())["global"]["env"])
    reachable = space.arguments(bucket=space.S3, products=frozenset({"models"}))
    assert "env" not in values(reachable)["global"]


def test_redis_speaks_tls_only_when_told_to() -> None:
    tls = contracts.Redis(host="redis.example.com", tls=True)
    assert values(space.arguments(redis=tls))["global"]["redis"]["params"] == {"tls": "true"}
    assert "params" not in values(space.arguments())["global"]["redis"]


def test_the_console_takes_its_resources_where_its_chart_would_overrule_them() -> None:
    tree = values(space.arguments(components={"console": ComponentSizing(resources=space.SMALL)}))
    resources = {"requests": {"cpu": "250m", "memory": "1Gi"}, "limits": {"memory": "2Gi"}}
    assert tree["console"]["containers"] == {"console": {"resources": resources}}
    assert "resources" not in tree["console"]


def test_a_fixed_number_of_replicas_needs_no_autoscaler() -> None:
    tree = values(space.arguments(components={"api": ComponentSizing(replicas=(2, 2))}))
    assert tree["api"]["replicaCount"] == 2
    assert tree["api"]["autoscaling"] == {"horizontal": {"enabled": False}}


def test_a_range_of_replicas_makes_an_autoscaler() -> None:
    tree = values(space.arguments(components={"weave-trace": ComponentSizing(replicas=(2, 4))}))
    scaling = {"enabled": True, "minReplicas": 2, "maxReplicas": 4}
    assert tree["weave-trace"]["autoscaling"]["horizontal"] == scaling


@pytest.mark.parametrize(("replicas", "elected"), [((1, 1), False), ((1, 2), True), ((3, 3), True)])
def test_more_than_one_glue_elects_a_leader(replicas: tuple[int, int], elected: bool) -> None:
    tree = values(space.arguments(components={"glue": ComponentSizing(replicas=replicas)}))
    assert tree["glue"].get("leaderElection") == ({"enabled": True} if elected else None)


def test_tls_at_the_ingress_is_for_the_host_of_the_url() -> None:
    tree = values(space.arguments(ingress=contracts.Ingress(class_name="nginx", tls_secret="wandb-tls")))
    assert tree["ingress"]["tls"] == [{"secretName": "wandb-tls", "hosts": ["wandb.example.com"]}]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"products": frozenset()}, "products: nothing given"),
        ({"products": frozenset({"weaves"})}, "products: weaves given; one or both of models, weave wanted"),
        ({"clickhouse": None}, "clickhouse: None given, and Weave is among the products"),
        ({"url": "wandb.example.com"}, "url: 'wandb.example.com' is not of the form https://host"),
        ({"url": "https://wandb.example.com/"}, "is not of the form https://host"),
        ({"url": "https://wandb.example.com/path"}, "is not of the form https://host"),
        ({"size": "huge"}, "size: 'huge' is not one of small, medium"),
        ({"components": {"nginx": ComponentSizing()}}, "components: the chart has no nginx"),
        ({"components": {"api": ComponentSizing(replicas=(3, 2))}}, "components: api has replicas"),
        ({"components": {"api": ComponentSizing(replicas=(0, 2))}}, "components: api has replicas"),
    ],
)
def test_what_the_chart_would_take_in_silence_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        space.arguments(**changes)


def versioned(name: str, version: str) -> contracts.SecretKey:
    return contracts.SecretKey(name=name, key="password", version=version)


def test_every_pod_says_which_version_of_each_password_it_started_with() -> None:
    mysql = dataclasses.replace(space.MYSQL, password=versioned("mysql-wandb", "3"))
    redis = dataclasses.replace(space.REDIS, password=versioned("redis-password", "4"))
    tree = values(space.arguments(mysql=mysql, redis=redis))
    marks = {"wandb.pulumi/mysql-password": "3", "wandb.pulumi/redis-password": "4"}
    assert tree["global"]["pod"]["annotations"] == marks


def test_a_password_of_which_nobody_says_when_it_changes_leaves_no_mark() -> None:
    assert "pod" not in values(space.arguments())["global"]


def test_services_say_how_a_cloud_load_balancer_finds_out_which_pods_are_well() -> None:
    tree = values(space.arguments(ingress=contracts.Ingress(class_name="wandb", load_balancer="aws")))
    assert tree["global"]["cloudProvider"] == "aws"
    assert "cloudProvider" not in values(space.arguments())["global"]


@given(space.installations())
def test_on_nodes_that_may_be_taken_away_runs_only_what_can_be_interrupted(args: ValuesArgs) -> None:
    tree = values(args)
    for component in running(args.products):
        tolerated = tree[component.name].get("tolerations", [])
        assert bool(tolerated) is (component.interruptible and args.spot_pool is not None)
        assert [f"{each['key']}={each['value']}" for each in tolerated] == [args.spot_pool] * len(tolerated)


@given(space.installations())
def test_no_pod_waits_for_nodes_that_may_never_come(args: ValuesArgs) -> None:
    tree = values(args)
    for component in running(args.products):
        block = tree[component.name]
        assert "nodeSelector" not in block
        assert "requiredDuringSchedulingIgnoredDuringExecution" not in json.dumps(block)
        assert "topologySpreadConstraints" not in block, "the chart's own keep replicas apart"


def test_pods_that_can_be_interrupted_would_rather_be_on_spot_nodes() -> None:
    tree = values(space.arguments(spot_pool="dedicated=spot"))
    (preferred,) = tree["frontend"]["affinity"]["nodeAffinity"][PREFERRED]
    expression = {"key": "dedicated", "operator": "In", "values": ["spot"]}
    assert preferred == {"weight": 100, "preference": {"matchExpressions": [expression]}}
    toleration = {"key": "dedicated", "operator": "Equal", "value": "spot", "effect": "NoSchedule"}
    assert tree["frontend"]["tolerations"] == [toleration]


@pytest.mark.parametrize("size", chart.SIZES)
def test_what_can_be_interrupted_migrates_nothing_opens_no_bucket_and_leads_no_others(size: str) -> None:
    workloads = {each.component: each for each in chart.workloads(size) if each.kind == "Deployment"}
    interruptible = [each for each in COMPONENTS if each.interruptible]
    assert interruptible
    for component in interruptible:
        assert not component.leader_election
        assert not component.opens_bucket
        assert not workloads[component.name].init_containers


def test_models_needs_no_clickhouse() -> None:
    assert "clickhouse" not in values(space.arguments(products=frozenset({"models"}), clickhouse=None))["global"]
