"""The stand-in providers, asked by the real engine, with a real API server behind them.

What it cannot see: whether the real providers have bugs of their own, and pods that really run.
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
import pulumi_random as random
import pytest
from pulumi import ResourceOptions, automation

from rehearsal.api import Api
from rehearsal.control_plane import BINARIES, ControlPlane, shut_down
from rehearsal.state import State
from tests.harness.patience import until
from tools import bootstrap

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("kubernetes", "random")
LABELS = {"app": "demo"}


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    state = State((tmp_path_factory.mktemp("providers") / "dev").resolve())
    plane = ControlPlane(state, bootstrap.ensure(list(BINARIES)))
    try:
        plane.start()
        yield plane
    finally:
        shut_down(state)


@pytest.fixture(scope="module")
def api(plane: ControlPlane) -> Api:
    return plane.api


class Runs:
    """One stack in a home and a backend of its own, with its own namespace on the shared cluster."""

    def __init__(self, folder: Path, plane: ControlPlane, namespace: str) -> None:
        self.kubeconfig = plane.kubeconfig.read_text(encoding="utf-8")
        self.namespace = namespace
        self._folder = folder
        (folder / "backend").mkdir()
        self.environment = {
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{folder / 'backend'}",
            "PULUMI_CONFIG_PASSPHRASE": "test",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_AUTOMATION_API_SKIP_VERSION_CHECK": "true",
        }
        for package in PACKAGES:
            self._install(package)

    def _install(self, package: str) -> None:
        version = metadata.version(f"pulumi-{package}")
        script = self._folder / "home" / "plugins" / f"resource-{package}-v{version}" / f"pulumi-resource-{package}"
        script.parent.mkdir(parents=True)
        command = shlex.join([sys.executable, "-m", "rehearsal.providers", package, version])
        script.write_text(f'#!/bin/sh\nPYTHONPATH={shlex.quote(str(ROOT))} exec {command} "$@"\n')
        script.chmod(0o755)

    def stack(self, program: Callable[[kubernetes.Provider, str], None]) -> automation.Stack:
        """A stack of `program(provider, namespace)`; the namespace is there already."""

        def whole() -> None:
            arguments: dict[str, Any] = {"kubeconfig": self.kubeconfig, "cluster_identifier": "test"}
            program(kubernetes.Provider("cluster", **arguments), self.namespace)

        options = automation.LocalWorkspaceOptions(env_vars=self.environment)
        return automation.create_or_select_stack("test", project_name="test", program=whole, opts=options)

    @property
    def state_text(self) -> str:
        """The state as it lies on disk, with everything encrypted that is encrypted."""
        return (self._folder / "backend" / ".pulumi" / "stacks" / "test" / "test.json").read_text(encoding="utf-8")


@pytest.fixture
def runs(
    tmp_path: Path, plane: ControlPlane, api: Api, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Runs]:
    namespace = re.sub("[^a-z0-9]+", "-", request.node.name)[:40].strip("-")
    api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    pulumi_folder = bootstrap.ensure(["pulumi"])["pulumi"].parent
    monkeypatch.setenv("PATH", f"{pulumi_folder}{os.pathsep}{os.environ['PATH']}")
    yield Runs(tmp_path, plane, namespace)
    api.delete("v1", "Namespace", namespace)


def operations(result: Any) -> Mapping[str, int]:
    """How many resources went through which operation; what stayed as it is left out."""
    return {name: count for name, count in (result.summary.resource_changes or {}).items() if name != "same"}


def planned(stack: automation.Stack) -> dict[str, int]:
    """What a preview would do."""
    summary = stack.preview().change_summary
    return {str(getattr(name, "value", name)): count for name, count in summary.items() if name != "same"}


def refused(action: Callable[[], Any]) -> str:
    """What the user reads when `action` fails."""
    with pytest.raises(automation.CommandError) as caught:
        action()
    return str(caught.value)


def deployment(namespace: str, replicas: int = 1, memory: str = "1024Mi") -> dict[str, Any]:
    container = {"name": "c", "image": "example/none:1", "resources": {"requests": {"cpu": "10m", "memory": memory}}}
    template = {"metadata": {"labels": LABELS}, "spec": {"containers": [container]}}
    return {
        "metadata": {"name": "demo", "namespace": namespace},
        "spec": {"replicas": replicas, "selector": {"match_labels": LABELS}, "template": template},
    }


def job(namespace: str, image: str = "example/none:1", **annotations: str) -> dict[str, Any]:
    container = {"name": "c", "image": image}
    return {
        "metadata": {"name": "once", "namespace": namespace, "annotations": annotations},
        "spec": {
            "template": {"spec": {"containers": [container], "restart_policy": "Never"}},
            "backoff_limit": 0,
        },
    }


def test_a_second_up_a_preview_and_a_refresh_find_nothing_to_do(runs: Runs) -> None:
    def program(provider: kubernetes.Provider, namespace: str) -> None:
        opts = ResourceOptions(provider=provider)
        password = random.RandomPassword("password", length=32, special=False)
        kubernetes.core.v1.Secret(
            "secret", metadata={"namespace": namespace}, string_data={"password": password.result}, opts=opts
        )
        kubernetes.apps.v1.Deployment("deployment", **deployment(namespace), opts=opts)
        service = kubernetes.core.v1.Service(
            "service",
            metadata={"name": "demo", "namespace": namespace},
            spec={"selector": LABELS, "ports": [{"port": 80}]},
            opts=opts,
        )
        kubernetes.core.v1.PersistentVolumeClaim(
            "claim",
            metadata={"name": "claim", "namespace": namespace},
            spec={"access_modes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
            opts=opts,
        )
        pulumi.export("address", service.spec["cluster_ip"])

    stack = runs.stack(program)
    first = stack.up()
    assert first.outputs["address"].value
    assert planned(stack) == {}
    assert operations(stack.up()) == {}
    assert operations(stack.refresh()) == {}
    assert operations(stack.up()) == {}


def test_no_password_is_readable_in_the_state_or_the_output(runs: Runs, api: Api) -> None:
    def program(provider: kubernetes.Provider, namespace: str) -> None:
        opts = ResourceOptions(provider=provider)
        password = random.RandomPassword("password", length=40, special=False)
        for name, field in (("text", "string_data"), ("data", "data")):
            value = password.result
            if field == "data":
                value = value.apply(lambda text: base64.b64encode(text.encode()).decode())
            content: dict[str, Any] = {field: {"password": value}}
            kubernetes.core.v1.Secret(name, metadata={"name": name, "namespace": namespace}, **content, opts=opts)

    stack = runs.stack(program)
    printed = stack.up().stdout + stack.refresh().stdout
    secret = api.read("v1", "Secret", "text", runs.namespace)
    assert secret is not None
    encoded = secret["data"]["password"]
    text = base64.b64decode(encoded).decode()
    assert len(text) == 40
    assert text.isalnum()
    for shown in (runs.state_text, printed):
        assert text not in shown
        assert encoded not in shown


def test_inputs_are_held_against_the_types_of_the_sdk(runs: Runs) -> None:
    def program(provider: kubernetes.Provider, namespace: str) -> None:
        wrong = deployment(namespace)
        wrong["spec"]["replicaz"] = 3
        kubernetes.apps.v1.Deployment("wrong", **wrong, opts=ResourceOptions(provider=provider))

    assert "Deployment.spec.replicaz: no such property" in refused(runs.stack(program).preview)


def test_the_server_refuses_in_the_preview_what_it_would_refuse_later(runs: Runs) -> None:
    def program(provider: kubernetes.Provider, namespace: str) -> None:
        kubernetes.core.v1.ConfigMap(
            "wrong", metadata={"name": "Not_A_Name", "namespace": namespace}, opts=ResourceOptions(provider=provider)
        )

    assert 'metadata.name: Invalid value: "Not_A_Name"' in refused(runs.stack(program).preview)


def test_a_preview_shows_only_what_the_server_would_change(runs: Runs) -> None:
    settings: dict[str, Any] = {"replicas": 1, "memory": "1024Mi"}

    def program(provider: kubernetes.Provider, namespace: str) -> None:
        kubernetes.apps.v1.Deployment(
            "deployment", **deployment(namespace, **settings), opts=ResourceOptions(provider=provider)
        )

    stack = runs.stack(program)
    stack.up()
    settings["memory"] = "1Gi"  # the same quantity in other words
    assert planned(stack) == {}
    settings["replicas"] = 2
    assert planned(stack) == {"update": 1}
    assert operations(stack.up()) == {"update": 1}
    assert planned(stack) == {}


def test_a_field_that_the_program_drops_goes_from_the_object(runs: Runs, api: Api) -> None:
    labels = {"kept": "yes", "dropped": "yes"}

    def program(provider: kubernetes.Provider, namespace: str) -> None:
        kubernetes.core.v1.ServiceAccount(
            "account",
            metadata={"name": "account", "namespace": namespace, "labels": dict(labels)},
            opts=ResourceOptions(provider=provider),
        )

    stack = runs.stack(program)
    stack.up()
    del labels["dropped"]
    assert operations(stack.up()) == {"update": 1}
    account = api.read("v1", "ServiceAccount", "account", runs.namespace)
    assert account is not None
    assert account["metadata"]["labels"] == {"kept": "yes"}


def test_what_cannot_change_is_replaced_and_a_fixed_name_is_freed_first(runs: Runs, api: Api) -> None:
    data = {"key": "one"}

    def program(provider: kubernetes.Provider, namespace: str) -> None:
        opts = ResourceOptions(provider=provider)
        kubernetes.core.v1.ConfigMap(
            "named", metadata={"name": "named", "namespace": namespace}, data=dict(data), opts=opts
        )
        kubernetes.core.v1.ConfigMap("unnamed", metadata={"namespace": namespace}, data=dict(data), opts=opts)

    stack = runs.stack(program)
    stack.up()
    before = {o["metadata"]["name"] for o in api.list("v1", "ConfigMap", runs.namespace)} - {"kube-root-ca.crt"}
    data["key"] = "two"
    steps: list[str] = []
    stack.up(on_event=lambda event: steps.extend(_step(event)))
    after = {o["metadata"]["name"] for o in api.list("v1", "ConfigMap", runs.namespace)} - {"kube-root-ca.crt"}
    assert before & after == {"named"}
    assert all(re.fullmatch(r"named|unnamed-[0-9a-f]{8}", name) for name in before | after)
    assert steps.index("delete-replaced named") < steps.index("create-replacement named")
    assert steps.index("create-replacement unnamed") < steps.index("delete-replaced unnamed")


def _step(event: Any) -> list[str]:
    if event.resource_pre_event is None:
        return []
    found = event.resource_pre_event.metadata
    return [f"{found.op.value} {found.urn.rpartition('::')[2]}"]


def test_a_changed_kubeconfig_of_the_same_cluster_replaces_nothing(runs: Runs) -> None:
    def program(provider: kubernetes.Provider, namespace: str) -> None:
        kubernetes.core.v1.ServiceAccount(
            "account", metadata={"name": "account", "namespace": namespace}, opts=ResourceOptions(provider=provider)
        )

    stack = runs.stack(program)
    stack.up()
    runs.kubeconfig = runs.kubeconfig.replace("127.0.0.1", "localhost")
    assert set(planned(stack)) <= {"update"}


def test_an_object_that_is_there_already_is_an_error_with_the_way_out(runs: Runs, api: Api) -> None:
    api.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "a", "namespace": runs.namespace}})

    def program(provider: kubernetes.Provider, namespace: str) -> None:
        kubernetes.core.v1.ServiceAccount(
            "a", metadata={"name": "a", "namespace": namespace}, opts=ResourceOptions(provider=provider)
        )

    said = refused(runs.stack(program).up)
    assert 'serviceaccounts "a" already exists' in said
    assert "set upsertExistingObjects on the provider" in said


def test_a_workload_that_never_starts_is_kept_in_the_state_with_what_its_pods_wait_for(runs: Runs) -> None:
    def program(provider: kubernetes.Provider, namespace: str) -> None:
        args = deployment(namespace)
        reference = {"secret_key_ref": {"name": "missing", "key": "password"}}
        args["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "P", "value_from": reference}]
        args["metadata"]["annotations"] = {"pulumi.com/timeoutSeconds": "8"}
        kubernetes.apps.v1.Deployment("deployment", **args, opts=ResourceOptions(provider=provider))

    stack = runs.stack(program)
    said = refused(stack.up)
    assert "'demo' timed out waiting to be Ready" in said
    assert 'secret "missing" not found' in said
    exported: Any = stack.export_stack().deployment
    kept = [r for r in exported["resources"] if r["type"].endswith(":Deployment")]
    assert kept[0]["initErrors"]


def test_a_pod_that_fits_nowhere_is_named_with_the_schedulers_reason(runs: Runs) -> None:
    def program(provider: kubernetes.Provider, namespace: str) -> None:
        args = deployment(namespace, memory="900Gi")
        args["metadata"]["annotations"] = {"pulumi.com/timeoutSeconds": "5"}
        kubernetes.apps.v1.Deployment("deployment", **args, opts=ResourceOptions(provider=provider))

    assert "Insufficient memory" in refused(runs.stack(program).up)


def test_a_custom_resource_is_ready_when_its_annotation_says_so(runs: Runs, api: Api) -> None:
    _define_gadgets(api)
    wait_for = json.dumps(["jsonpath={.status.phase}=Completed", "condition=Ready"])

    def program(provider: kubernetes.Provider, namespace: str) -> None:
        kubernetes.apiextensions.CustomResource(
            "gadget",
            api_version="example.com/v1",
            kind="Gadget",
            metadata={
                "name": "gadget",
                "namespace": namespace,
                "annotations": {"pulumi.com/waitFor": wait_for, "pulumi.com/timeoutSeconds": "4"},
            },
            spec={"size": 1},
            opts=ResourceOptions(provider=provider),
        )

    stack = runs.stack(program)
    said = refused(stack.up)
    assert "'gadget' timed out waiting to be Ready" in said
    assert "{.status.phase}=Completed" in said
    status = {"phase": "Completed", "conditions": [{"type": "Ready", "status": "True"}]}
    api.patch("example.com/v1", "Gadget", "gadget", runs.namespace, body={"status": status}, subresource="status")
    assert operations(stack.up()) == {"update": 1}
    assert operations(stack.up()) == {}


def _define_gadgets(api: Api) -> None:
    schema = {
        "type": "object",
        "properties": {
            "spec": {"type": "object", "properties": {"size": {"type": "integer"}}},
            "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        },
    }
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "subresources": {"status": {}},
    }
    names = {"plural": "gadgets", "singular": "gadget", "kind": "Gadget", "listKind": "GadgetList"}
    spec = {"group": "example.com", "names": names, "scope": "Namespaced", "versions": [version]}
    meta = {"name": "gadgets.example.com"}
    kind = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition"}
    api.apply({**kind, "metadata": meta, "spec": spec})

    def usable() -> bool:
        with contextlib.suppress(Exception):
            return api.list("example.com/v1", "Gadget") == []
        return False

    until(usable, "a usable definition of Gadget")


def test_a_deletion_held_by_a_finalizer_names_it_and_goes_on_later(runs: Runs, api: Api) -> None:
    def program(provider: kubernetes.Provider, namespace: str) -> None:
        kubernetes.core.v1.ServiceAccount(
            "held",
            metadata={"name": "held", "namespace": namespace, "finalizers": ["example.com/hold"]},
            opts=ResourceOptions(provider=provider, custom_timeouts=pulumi.CustomTimeouts(delete="3s")),
        )

    stack = runs.stack(program)
    stack.up()
    assert "finalizers might be preventing deletion (example.com/hold)" in refused(stack.destroy)
    free = {"metadata": {"finalizers": None}}
    api.patch("v1", "ServiceAccount", "held", runs.namespace, body=free)
    stack.destroy()
    assert api.read("v1", "ServiceAccount", "held", runs.namespace) is None


def test_an_unfinished_job_is_replaced_when_its_annotation_asks_for_it(runs: Runs, api: Api) -> None:
    def program(provider: kubernetes.Provider, namespace: str) -> None:
        annotations = {"pulumi.com/replaceUnready": "true", "pulumi.com/timeoutSeconds": "5"}
        args = job(namespace, **annotations)
        reference = {"secret_key_ref": {"name": "missing", "key": "password"}}
        args["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "P", "value_from": reference}]
        kubernetes.batch.v1.Job("once", **args, opts=ResourceOptions(provider=provider))

    stack = runs.stack(program)
    assert 'Waiting for Job "' in refused(stack.up)
    secret = {"metadata": {"name": "missing", "namespace": runs.namespace}, "stringData": {"password": "x"}}
    api.create({"apiVersion": "v1", "kind": "Secret", **secret})
    stack.up()
    done = api.read("batch/v1", "Job", "once", runs.namespace)
    assert done is not None
    assert done["status"]["succeeded"] == 1


def test_a_release_installs_its_operator_keeps_its_values_for_helm_and_leaves_only_definitions(
    runs: Runs, api: Api
) -> None:
    values: dict[str, Any] = {"fullnameOverride": "clickhouse-operator"}

    def program(provider: kubernetes.Provider, namespace: str) -> None:
        kubernetes.helm.v3.Release(
            "operator",
            name="clickhouse-operator",
            chart="altinity-clickhouse-operator",
            version="0.25.6",
            namespace=namespace,
            repository_opts={"repo": "https://helm.altinity.com"},
            values=dict(values),
            opts=ResourceOptions(provider=provider),
        )

    stack = runs.stack(program)
    stack.up()
    running = api.read("apps/v1", "Deployment", "clickhouse-operator", runs.namespace)
    assert running is not None
    assert running["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "Helm"
    assert running["metadata"]["annotations"]["meta.helm.sh/release-name"] == "clickhouse-operator"
    assert operations(stack.up()) == {}
    values["podLabels"] = {"changed": "yes"}
    assert operations(stack.up()) == {"update": 1}
    assert [record["config"] for record in _releases(api, runs.namespace)] == [
        {"fullnameOverride": "clickhouse-operator"},
        values,
    ]
    assert operations(stack.refresh()) == {}
    stack.destroy()
    assert api.list("apps/v1", "Deployment", runs.namespace) == []
    assert _releases(api, runs.namespace) == []
    kinds = {o["spec"]["names"]["kind"] for o in api.list("apiextensions.k8s.io/v1", "CustomResourceDefinition")}
    assert "ClickHouseInstallation" in kinds


def _releases(api: Api, namespace: str) -> list[dict[str, Any]]:
    found = []
    for secret in api.list("v1", "Secret", namespace, label_selector="owner=helm"):
        packed = base64.b64decode(base64.b64decode(secret["data"]["release"]))
        found.append(json.loads(gzip.decompress(packed)))
    return sorted(found, key=lambda release: release["version"])


def test_a_chart_that_cannot_be_had_fails_the_preview(runs: Runs) -> None:
    def program(provider: kubernetes.Provider, namespace: str) -> None:
        kubernetes.helm.v3.Release(
            "operator",
            chart="no-such-chart",
            namespace=namespace,
            repository_opts={"repo": "https://helm.altinity.com"},
            opts=ResourceOptions(provider=provider),
        )

    said = refused(runs.stack(program).preview)
    assert 'chart "no-such-chart" not found' in said
    assert "check the chart name and repository configuration" in said


def test_an_unreachable_cluster_is_reported_in_the_real_providers_words(runs: Runs) -> None:
    runs.kubeconfig = re.sub(r"https://[^\s\"']+", "https://127.0.0.1:1", runs.kubeconfig)

    def program(provider: kubernetes.Provider, namespace: str) -> None:
        kubernetes.core.v1.ServiceAccount(
            "a", metadata={"name": "a", "namespace": namespace}, opts=ResourceOptions(provider=provider)
        )

    said = refused(runs.stack(program).up)
    assert "configured Kubernetes cluster is unreachable: unable to load schema information from the API server" in said


def test_what_the_stand_ins_cannot_do_is_refused_by_name(runs: Runs) -> None:
    def program(provider: kubernetes.Provider, namespace: str) -> None:
        random.RandomPet("pet")

    assert "does not make random:index/randomPet:RandomPet" in refused(runs.stack(program).preview)


def test_a_stand_in_ends_with_the_process_that_started_it(plane: ControlPlane) -> None:
    command = [sys.executable, "-m", "rehearsal.providers", "random", metadata.version("pulumi-random"), "127.0.0.1:1"]
    parent = (
        "import subprocess, sys, time; child = subprocess.Popen(sys.argv[1:]); print(child.pid, flush=True); "
        "time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", parent, *command], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as starter:
        assert starter.stdout is not None
        child = int(starter.stdout.readline())
        assert int(starter.stdout.readline()) > 0  # the port: it serves
        starter.send_signal(signal.SIGKILL)
    until(
        lambda: not Path(f"/proc/{child}").exists() or "Z" in _process_state(child), "the stand-in ends with its parent"
    )


def _process_state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return "Z"
