"""ClickHouse as a part of a program: order, protection, secrets, and what changes when something changes."""

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
from components.clickhouse import TLS, Chart, ClickHouse, ClickHouseArgs, Images, Issuer
from components.namespaces import Namespaces, NamespacesArgs
from tests.harness import Recording, Resource, record_function, record_stack
from tests.harness import clickhouse_space as space
from tests.harness.certificates import FIRST

CHI = "kubernetes:clickhouse.altinity.com/v1:ClickHouseInstallation"
CHK = "kubernetes:clickhouse-keeper.altinity.com/v1:ClickHouseKeeperInstallation"
RELEASE = "kubernetes:helm.sh/v3:Release"
JOB = "kubernetes:batch/v1:Job"
SECRET = "kubernetes:core/v1:Secret"
RANDOM = "random:index/randomPassword:RandomPassword"


def program(pool: str | None = None, **changes: Any) -> None:
    """A program of namespaces and ClickHouse, and a ConfigMap that uses the connection as W&B would."""
    provider = pulumi_kubernetes.Provider("cluster", cluster_identifier="test")
    issuer = "https://kubernetes.default.svc"
    namespaces = Namespaces("namespaces", NamespacesArgs(provider=provider)).outputs
    given: dict[str, Any] = {
        "cluster": contracts.Cluster(provider=provider, service_account_issuer=issuer, zones=3, clickhouse_pool=pool),
        "random_provider": pulumi_random.Provider("random"),
        "namespaces": namespaces,
        "bucket": space.COMPATIBLE,
        "server_resources": space.SMALL,
        "keeper_resources": space.SMALL,
        "images": Images(hook="alpine/k8s:1.35.0"),
    }
    made = ClickHouse("clickhouse", ClickHouseArgs(**given | changes))
    pulumi_kubernetes.core.v1.ConfigMap(
        "user",
        data={"host": made.connection.host, "password": made.connection.password.name},
        opts=pulumi.ResourceOptions(provider=provider),
    )
    pulumi.export("host", made.connection.host)
    pulumi.export("cluster", made.connection.cluster)
    if made.connection.password.version is not None:
        pulumi.export("version", made.connection.password.version)


def run(*, preview: bool = False, **changes: Any) -> Recording:
    return record_function(lambda: program(**changes), preview=preview)


@pytest.fixture(scope="module")
def up() -> Recording:
    return run()


def one(recording: Recording, token: str) -> Resource:
    (found,) = recording.recorder.of_type(token)
    return found


def test_the_connection_is_what_weave_needs(up: Recording) -> None:
    assert up.exports == {"host": "clickhouse-wandb.clickhouse.svc.cluster.local", "cluster": "weavecluster"}
    password = one(up, "kubernetes:core/v1:ConfigMap").inputs["data"]["password"]
    (secret,) = [each for each in up.recorder.of_type(SECRET) if each.inputs["metadata"]["name"] == password]
    assert secret.inputs["metadata"]["namespace"] == "wandb"
    assert "CLICKHOUSE_PASSWORD" in secret.inputs["stringData"]


def test_the_certificate_and_the_authority_are_there_before_whoever_shows_them() -> None:
    made = run(tls=TLS(ca=FIRST, issuer=Issuer(name="internal")))
    certificate = one(made, "kubernetes:cert-manager.io/v1:Certificate")
    assert certificate.inputs["metadata"]["annotations"] == {"pulumi.com/waitFor": "condition=Ready"}
    authorities = [
        each
        for each in made.recorder.of_type("kubernetes:core/v1:ConfigMap")
        if each.inputs.get("metadata", {}).get("name") == "clickhouse-authority"
    ]
    for earlier in (certificate, *authorities):
        for token in (CHK, CHI, JOB):
            assert earlier.urn in made.recorder.before(one(made, token).urn)
    assert len(authorities) == 1
    brought = run(tls=TLS(ca=FIRST, secret="shown"))
    assert brought.recorder.of_type("kubernetes:cert-manager.io/v1:Certificate") == []


def test_weave_asks_the_port_with_tls_and_is_given_the_authority() -> None:
    [instance] = record_stack("clickhouse-tls").recorder.of_type("kubernetes:apps.wandb.com/v1:WeightsAndBiases")
    values = instance.inputs["spec"]["values"]["global"]
    assert values["clickhouse"]["port"] == 8443
    assert values["customCACerts"] == [FIRST]


def test_each_is_there_before_whoever_needs_it_and_goes_after_it(up: Recording) -> None:
    chain = [one(up, token).urn for token in (RELEASE, CHK, CHI, JOB, "kubernetes:core/v1:ConfigMap")]
    for earlier, later in itertools.pairwise(chain):
        assert earlier in up.recorder.before(later)
    for policy in up.recorder.of_type("kubernetes:networking.k8s.io/v1:NetworkPolicy"):
        assert policy.urn in up.recorder.before(one(up, CHI).urn)


def test_the_operator_finds_its_password_when_it_starts(up: Recording) -> None:
    (secret,) = [
        each for each in up.recorder.of_type(SECRET) if each.inputs["metadata"]["name"] == "clickhouse-operator"
    ]
    assert secret.urn in up.recorder.before(one(up, RELEASE).urn)
    assert set(secret.inputs["stringData"]) == {"username", "password"}


def test_a_new_password_reaches_the_servers_first_and_wandb_when_all_of_them_know_it(up: Recording) -> None:
    rotated = run(password_revision=2)
    (client,) = [
        each for each in rotated.recorder.of_type(SECRET) if each.inputs["metadata"]["name"] == "clickhouse-weave"
    ]
    chain = [one(rotated, CHI).urn, one(rotated, JOB).urn, client.urn, one(rotated, "kubernetes:core/v1:ConfigMap").urn]
    for earlier, later in itertools.pairwise(chain):
        assert earlier in rotated.recorder.before(later)
    (server,) = [
        each for each in rotated.recorder.of_type(SECRET) if each.inputs["metadata"]["name"] == "clickhouse-weave-user"
    ]
    assert server.urn in rotated.recorder.before(one(rotated, CHI).urn)
    passwords = {each.name: each.inputs.get("keepers") for each in rotated.recorder.of_type(RANDOM)}
    assert passwords["clickhouse-user-password"] == {"revision": "2"}
    # a stack that was there before this setting keeps its password
    assert {each.inputs.get("keepers") for each in up.recorder.of_type(RANDOM)} == {None}
    assert rotated.exports["version"] == "2"
    assert "version" not in up.exports


@pytest.mark.parametrize("protect", [True, False])
def test_what_holds_data_is_protected_when_asked_for(protect: bool) -> None:
    recording = run(protect=protect)
    protected = {resource.type for resource in recording.recorder.custom() if resource.protected}
    assert protected == ({CHI, CHK} if protect else set())


def test_no_password_leaves_the_secrets(up: Recording) -> None:
    passwords = {
        value
        for resource in up.recorder.of_type(SECRET)
        for value in resource.inputs["stringData"].values()
        if value != "clickhouse_operator"
    }
    assert len(passwords) >= 3
    for resource in up.recorder.custom():
        for path, value, secret in resource.leaves():
            found = [password for password in passwords if password in str(value)]
            assert not found or (resource.type == SECRET and secret), f"{resource.name}: {path}"


def test_the_custom_resources_stay_readable_in_previews(up: Recording) -> None:
    for token in (CHI, CHK, JOB, RELEASE):
        assert one(up, token).secrets == frozenset()


def test_only_what_hangs_on_the_password_is_unknown_in_a_first_preview() -> None:
    recording = run(preview=True)
    unknown = {
        (resource.type, path)
        for resource in recording.recorder.custom()
        for path, value, _ in resource.leaves()
        if value == rpc.UNKNOWN
    }
    job = "spec.template.spec.containers[0].env[0].value"
    assert {path for token, path in unknown if token == CHI} == {
        "metadata.annotations.pulumi.com/waitFor",
        "spec.taskID",
        "spec.templates.podTemplates[0].metadata.annotations.wandb.pulumi/credentials",
    }
    assert {path for token, path in unknown if token == JOB} == {job}
    assert {token for token, _ in unknown} == {CHI, JOB, SECRET}
    assert recording.exports["host"] == "clickhouse-wandb.clickhouse.svc.cluster.local"


def test_a_change_of_the_servers_probes_them_anew_and_leaves_keeper_alone(up: Recording) -> None:
    grown = run(volume_gib=300)
    assert one(grown, CHI).inputs["spec"]["taskID"] != one(up, CHI).inputs["spec"]["taskID"]
    assert one(grown, JOB).inputs["spec"]["template"] != one(up, JOB).inputs["spec"]["template"]
    assert one(grown, CHK).inputs == one(up, CHK).inputs


def test_pulumi_gives_the_operator_time(up: Recording) -> None:
    for token in (CHI, CHK):
        timeouts = one(up, token).request.customTimeouts
        assert all((timeouts.create, timeouts.update, timeouts.delete))


def test_an_identity_is_on_the_service_account() -> None:
    role = {"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/clickhouse"}
    recording = run(bucket=space.S3, identity=contracts.Identity(service_account_annotations=role))
    account = one(recording, "kubernetes:core/v1:ServiceAccount")
    assert account.inputs["metadata"]["annotations"] == role
    assert account.urn in recording.recorder.before(one(recording, CHI).urn)


def test_a_pool_of_its_own_is_for_servers_and_keeper_alone() -> None:
    def asked(recording: Recording, token: str) -> dict[str, Any]:
        return one(recording, token).inputs["spec"]["templates"]["podTemplates"][0]["spec"]

    recording = run(pool="dedicated=clickhouse")
    for token in (CHI, CHK):
        assert asked(recording, token)["nodeSelector"] == {"dedicated": "clickhouse"}
    for resource in (one(recording, JOB), one(recording, RELEASE)):
        assert not [path for path, value, _ in resource.leaves() if "dedicated" in f"{path} {value}"]


def test_external_crds_are_left_to_whoever_applied_them() -> None:
    release = one(run(chart=Chart(crds="external")), RELEASE)
    assert release.inputs["skipCrds"] is True
    assert release.inputs["values"]["crdHook"]["enabled"] is False


def test_awaited_task_and_spec_agree(up: Recording) -> None:
    for token in (CHI, CHK):
        made = one(up, token).inputs
        waits = json.loads(made["metadata"]["annotations"]["pulumi.com/waitFor"])
        assert f"jsonpath={{.status.taskID}}={made['spec']['taskID']}" in waits
