"""W&B as a part of a program: order, protection, secrets, rights, and what runs again when something changes."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pulumi
import pulumi_kubernetes
import pulumi_random
import pytest
from pulumi.runtime import rpc

from components import contracts
from components.namespaces import Namespaces, NamespacesArgs
from components.wandb import ComponentSizing, Versions, WandB, WandBArgs
from components.wandb.instance import InstanceArgs
from components.wandb.values import REVISION_ANNOTATION
from tests.harness import Recording, Resource, record_function
from tests.harness import wandb_space as space

WANDB = "kubernetes:apps.wandb.com/v1:WeightsAndBiases"
RELEASE = "kubernetes:helm.sh/v3:Release"
JOB = "kubernetes:batch/v1:Job"
SECRET = "kubernetes:core/v1:Secret"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
NAMES_OF_THE_CHARTS_OWN_SECRETS = (
    "bucket", "clickhouse", "global-secret", "gorilla-session-key", "kafka", "latest-cached-release", "license", "mysql",
    "mysql-ca-cert", "oidc-secret", "parquet-secret", "redis-secret", "smtp-secret", "spec-active", "spec-user", "weave-trace",
)  # fmt: skip
"""Each after `wandb-`."""


def program(**changes: Any) -> None:
    """A program of namespaces and W&B, and a ConfigMap that waits until W&B answers.

    A change that holds an Output is a function, because an Output belongs to the run that it was made in.
    """
    changes = {name: change() if callable(change) else change for name, change in changes.items()}
    provider = pulumi_kubernetes.Provider("cluster", cluster_identifier="test")
    given: dict[str, Any] = {
        "cluster": contracts.Cluster(provider=provider, service_account_issuer=space.ISSUER),
        "namespaces": Namespaces("namespaces", NamespacesArgs(provider=provider)).outputs,
        "mysql": space.MYSQL,
        "redis": space.REDIS,
        "bucket": space.COMPATIBLE,
        "clickhouse": space.CLICKHOUSE,
        "ingress": contracts.Ingress(class_name="nginx"),
        "random_provider": pulumi_random.Provider("random"),
        "url": "https://wandb.example.com",
        "license": pulumi.Output.secret(space.LICENSE),
        "products": ("models", "weave"),
    }
    made = WandB("wandb", WandBArgs(**given | changes))
    pulumi_kubernetes.core.v1.ConfigMap(
        "user", data={"verified": made.verified.apply(str)}, opts=pulumi.ResourceOptions(provider=provider)
    )
    pulumi.export("url", made.url)


def run(*, preview: bool = False, **changes: Any) -> Recording:
    return record_function(lambda: program(**changes), preview=preview)


@pytest.fixture(scope="module")
def up() -> Recording:
    return run()


def one(recording: Recording, token: str) -> Resource:
    (found,) = recording.recorder.of_type(token)
    return found


def named(recording: Recording, token: str, name: str) -> Resource:
    (found,) = [each for each in recording.recorder.of_type(token) if each.inputs["metadata"].get("name") == name]
    return found


def values(recording: Recording) -> dict[str, Any]:
    return one(recording, WANDB).inputs["spec"]["values"]


def revision(recording: Recording) -> str:
    return values(recording)["global"]["deployment"]["annotations"][REVISION_ANNOTATION]


def environment(recording: Recording) -> dict[str, str]:
    (container,) = one(recording, JOB).inputs["spec"]["template"]["spec"]["containers"]
    return {each["name"]: each["value"] for each in container["env"]}


def test_the_url_is_handed_on(up: Recording) -> None:
    assert up.exports["url"] == "https://wandb.example.com"


def test_each_is_there_before_whoever_needs_it_and_goes_after_it(up: Recording) -> None:
    waiting = next(each for each in up.recorder.of_type(CONFIG_MAP) if each.urn.endswith("::user"))
    chain = [one(up, RELEASE), one(up, WANDB), one(up, JOB), waiting]
    for earlier, later in itertools.pairwise(chain):
        assert earlier.urn in up.recorder.before(later.urn)
    for secret in up.recorder.of_type(SECRET):
        assert secret.urn in up.recorder.before(one(up, WANDB).urn)
    for kind in ("core/v1:ServiceAccount", "rbac.authorization.k8s.io/v1:RoleBinding"):
        assert one(up, f"kubernetes:{kind}").urn in up.recorder.before(one(up, JOB).urn)


def test_the_operator_is_pinned_and_asks_nobody_what_to_install(up: Recording) -> None:
    release = one(up, RELEASE).inputs
    assert (release["chart"], release["version"], release["name"]) == ("operator", "1.4.8", "wandb-operator")
    assert release["repositoryOpts"] == {"repo": "https://charts.wandb.ai"}
    assert release["values"]["image"] == {
        "repository": "wandb/controller",
        "tag": "1.22.0",
        "pullPolicy": "IfNotPresent",
    }
    assert release["values"]["airgapped"] is True
    assert release["values"]["resources"]["requests"] == {"cpu": "400m", "memory": "512Mi"}


def test_the_installation_is_pinned(up: Recording) -> None:
    spec = one(up, WANDB).inputs["spec"]
    chart = {"url": "https://charts.wandb.ai", "name": "operator-wandb", "version": "0.43.8"}
    assert spec["chart"] == chart
    assert spec["values"]["app"]["image"] == {"tag": "0.82.2"}


def test_charts_of_a_mirror_in_an_image_registry_are_named_as_helm_and_the_operator_want_them() -> None:
    mirror = "oci://registry.example.com/charts/"
    recording = run(chart_repository=mirror, operator_chart_repository=mirror)
    release = one(recording, RELEASE).inputs
    assert release["chart"] == "oci://registry.example.com/charts/operator"
    assert "repositoryOpts" not in release
    chart = {"url": "oci://registry.example.com/charts/operator-wandb", "version": "0.43.8"}
    assert one(recording, WANDB).inputs["spec"]["chart"] == chart


def test_following_the_release_channel_leaves_chart_and_images_to_it() -> None:
    recording = run(follow_release_channel=True)
    assert one(recording, RELEASE).inputs["values"]["airgapped"] is False
    assert "chart" not in one(recording, WANDB).inputs["spec"]
    assert "image" not in values(recording)["app"]


def test_the_resource_is_up_when_the_operator_says_completed_and_has_time_to_go(up: Recording) -> None:
    resource = one(up, WANDB)
    wait = resource.inputs["metadata"]["annotations"]["pulumi.com/waitFor"]
    assert wait == "jsonpath={.status.phase}=Completed"
    assert resource.inputs["metadata"]["name"] == "wandb"
    assert resource.request.customTimeouts.delete == "20m"


def test_less_time_than_the_operator_needs_to_uninstall_is_refused() -> None:
    with pytest.raises(ValueError, match="delete_minutes: 10 given; the operator needs 15 or more"):
        InstanceArgs(provider=None, namespace="a", chart=None, values={}, operator=None, delete_minutes=10)  # ty: ignore[invalid-argument-type]


@pytest.mark.parametrize("protect", [True, False])
def test_the_installation_is_protected_when_told_to(protect: bool) -> None:
    assert one(run(protect=protect), WANDB).request.protect is protect


def test_the_licence_is_in_its_secret_and_nowhere_else(up: Recording) -> None:
    for resource in up.recorder.custom():
        if resource.request.type != SECRET:
            assert space.LICENSE not in json.dumps(resource.inputs)
            assert not resource.secrets, f"{resource.urn} has secret inputs: {resource.secrets}"
    secret = named(up, SECRET, "wandb-server-license")
    assert secret.inputs["stringData"] == {"license": space.LICENSE}
    assert secret.secrets
    assert values(up)["global"]["licenseSecret"] == {"name": "wandb-server-license", "key": "license"}


def test_a_licence_in_a_secret_of_the_users_is_used_where_it_is() -> None:
    recording = run(license=contracts.SecretKey(name="our-license", key="jwt"))
    names = [each.inputs["metadata"]["name"] for each in recording.recorder.of_type(SECRET)]
    assert names == ["weave-worker-auth"]
    assert values(recording)["global"]["licenseSecret"] == {"name": "our-license", "key": "jwt"}
    assert "pod" not in values(recording)["global"]


def test_a_new_licence_restarts_the_pods_that_read_the_old_one(up: Recording) -> None:
    renewed = run(license=lambda: pulumi.Output.secret("another licence"))
    assert values(renewed)["global"]["pod"] != values(up)["global"]["pod"]


def test_no_secret_has_a_name_that_the_chart_uses(up: Recording) -> None:
    ours = {each.inputs["metadata"]["name"] for each in up.recorder.of_type(SECRET)}
    assert ours == {"wandb-server-license", "weave-worker-auth"}
    assert not ours & {f"wandb-{name}" for name in NAMES_OF_THE_CHARTS_OWN_SECRETS}


def test_weaves_workers_have_a_token_where_weave_runs(up: Recording) -> None:
    assert set(named(up, SECRET, "weave-worker-auth").inputs["stringData"]) == {"key"}
    models = run(products=("models",), clickhouse=None)
    assert "weave-worker-auth" not in {each.inputs["metadata"]["name"] for each in models.recorder.of_type(SECRET)}


def test_the_job_looks_for_the_revision_that_the_deployments_carry(up: Recording) -> None:
    assert environment(up)["REVISION"] == revision(up)


@pytest.mark.parametrize(
    "changes",
    [
        {"size": "medium"},
        {"versions": Versions(chart="0.43.9")},
        {"versions": Versions(server="0.82.3")},
        {"components": {"api": ComponentSizing(replicas=(3, 3))}},
        {"products": ("models",)},
        {"license": lambda: pulumi.Output.secret("another licence")},
        {"mysql": lambda: contracts.MySQL(host=pulumi.Output.from_input("db"), password=space.MYSQL.password)},
    ],
    ids=["size", "chart", "images", "replicas", "products", "licence", "an output"],
)
def test_whatever_changes_what_runs_changes_the_revision(up: Recording, changes: dict[str, Any]) -> None:
    assert revision(run(**changes)) != revision(up)


def test_the_same_program_has_the_same_revision(up: Recording) -> None:
    again = run()
    assert revision(again) == revision(up)
    assert one(again, WANDB).inputs == one(up, WANDB).inputs
    assert one(again, JOB).inputs == one(up, JOB).inputs


def test_the_order_of_products_does_not_matter(up: Recording) -> None:
    assert one(run(products=("weave", "models")), WANDB).inputs == one(up, WANDB).inputs


def test_the_job_names_every_service_that_it_needs(up: Recording) -> None:
    assert environment(up)["READY_URLS"].splitlines() == [
        "http://wandb-api.wandb.svc.cluster.local:8081/ready",
        "http://wandb-app.wandb.svc.cluster.local:8080/ready",
        "http://wandb-console.wandb.svc.cluster.local:8082/console/api/ready",
        "http://wandb-frontend.wandb.svc.cluster.local:8080/ready",
        "http://wandb-weave-trace.wandb.svc.cluster.local:8722/traces/health",
    ]
    models = environment(run(products=("models",), clickhouse=None))
    assert "weave-trace" not in models["READY_URLS"] + models["COMPONENTS"]


def test_the_job_tries_once_has_time_to_report_and_is_replaced_when_it_failed(up: Recording) -> None:
    job = one(up, JOB)
    spec = job.inputs["spec"]
    assert spec["backoffLimit"] == 0
    assert spec["podFailurePolicy"]["rules"][0]["action"] == "Ignore"
    assert spec["template"]["spec"]["restartPolicy"] == "Never"
    assert int(environment(up)["TIMEOUT_SECONDS"]) < spec["activeDeadlineSeconds"]
    assert int(job.request.customTimeouts.create.removesuffix("s")) > spec["activeDeadlineSeconds"]
    assert job.inputs["metadata"]["annotations"]["pulumi.com/replaceUnready"] == "true"
    assert "name" not in job.inputs["metadata"], "a name of its own: the next Job runs before this one goes"


def test_the_jobs_pod_is_not_taken_for_one_of_wandbs(up: Recording) -> None:
    labels = one(up, JOB).inputs["spec"]["template"]["metadata"]["labels"]
    assert labels.get("app.kubernetes.io/instance") != "wandb"


def test_the_job_may_read_what_it_reports_and_nothing_else(up: Recording) -> None:
    rules = one(up, "kubernetes:rbac.authorization.k8s.io/v1:Role").inputs["rules"]
    assert {verb for rule in rules for verb in rule["verbs"]} == {"get", "list"}
    resources = {resource for rule in rules for resource in rule["resources"]}
    assert resources == {"deployments", "pods", "events", "weightsandbiases"}
    assert not up.recorder.of_type("kubernetes:rbac.authorization.k8s.io/v1:ClusterRole")


def test_a_changed_script_runs_again(up: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    template = one(up, JOB).inputs["spec"]["template"]
    monkeypatch.setattr("components.wandb.verification.fingerprint", lambda _: "another")
    assert one(run(), JOB).inputs["spec"]["template"] != template


def test_a_preview_knows_what_is_decided_by_settings_alone() -> None:
    preview = one(run(preview=True), WANDB).inputs["spec"]
    assert preview["chart"]["version"] == "0.43.8"
    assert preview["values"]["global"]["host"] == "https://wandb.example.com"
    assert preview["values"]["app"]["image"] == {"tag": "0.82.2"}


def test_an_endpoint_that_is_not_known_yet_leaves_the_rest_of_a_preview_as_it_is() -> None:
    def mysql() -> contracts.MySQL:
        opts = pulumi.ResourceOptions(provider=pulumi_random.Provider("hosts"))
        host = pulumi_random.RandomString("host", length=8, opts=opts).result
        return contracts.MySQL(host=host, password=space.MYSQL.password)

    tree = values(run(preview=True, mysql=mysql))
    assert tree["global"]["mysql"]["host"] == rpc.UNKNOWN
    assert tree["global"]["deployment"]["annotations"] == {REVISION_ANNOTATION: rpc.UNKNOWN}
    assert tree["global"]["redis"]["host"] == "redis.wandb"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"clickhouse": None}, "clickhouse: None given"),
        ({"url": "wandb.example.com"}, "url: 'wandb.example.com'"),
        ({"size": "huge"}, "size: 'huge'"),
        ({"products": ()}, "products: nothing given"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_registered(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        run(**changes)
