"""The verification's script with a real kubectl, a real API server and the Job's own rights, and no more than those.

Real: Deployments, their controller, the scheduler, permissions, curl. Played: nodes, and what a kubelet would write into a
pod's status, which these tests write. So this shows that the script's templates read what Kubernetes says, not that
W&B's containers start.
"""

from __future__ import annotations

import http.server
import os
import subprocess
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes
import pytest
import yaml

from components.wandb import verification
from components.wandb.inventory import running
from rehearsal import crds
from rehearsal.api import Api
from rehearsal.control_plane import BINARIES, ControlPlane, shut_down
from rehearsal.state import State
from tests.harness import Recording, record_function
from tools import bootstrap

SCRIPT = Path(verification.__file__).with_name(verification.SCRIPT)
REVISION = "0123456789abcdef"
TYPES = {
    "kubernetes:core/v1:ServiceAccount": ("v1", "ServiceAccount"),
    "kubernetes:rbac.authorization.k8s.io/v1:Role": ("rbac.authorization.k8s.io/v1", "Role"),
    "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding": ("rbac.authorization.k8s.io/v1", "RoleBinding"),
}


def recorded(namespace: str) -> Recording:
    """The component as an `up` would make it in `namespace`."""

    def program() -> None:
        provider = pulumi_kubernetes.Provider("cluster", cluster_identifier="test")
        instance = pulumi_kubernetes.core.v1.Namespace("w", opts=pulumi.ResourceOptions(provider=provider))
        verification.Verification(
            "verification",
            verification.VerificationArgs(
                provider=provider,
                namespace=namespace,
                operator_namespace="wandb-operator",
                image="alpine/k8s:1.35.8",
                components=running({"models", "weave"}),
                revision=REVISION,
                instance=instance,
            ),
        )

    return record_function(program)


@dataclass(frozen=True)
class Installation:
    """A namespace with the Job's account and rights, and what a test puts there."""

    api: Api
    kubectl: Path
    namespace: str
    kubeconfig: Path
    environment: dict[str, str]

    def deploy(self, component: str, *, revision: str = REVISION, cpu: str = "10m") -> None:
        """A Deployment of one pod as the chart would make it, `cpu` being what the pod asks for."""
        labels = {"app.kubernetes.io/name": component, "app.kubernetes.io/instance": "wandb"}
        container = {"name": component, "image": f"wandb/{component}", "resources": {"requests": {"cpu": cpu}}}
        metadata = {
            "name": f"wandb-{component}",
            "namespace": self.namespace,
            "labels": labels,
            "annotations": {"wandb.pulumi/revision": revision},
        }
        template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
        spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
        self.api.create({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec})

    def pod(self, component: str) -> str:
        """The name of the pod of `component`, once its ReplicaSet has made it."""
        pods = self.api.watch("v1", "Pod", self.namespace, timeout_seconds=30)
        return next(
            pod["metadata"]["name"]
            for _, pod in pods
            if pod["metadata"]["labels"].get("app.kubernetes.io/name") == component
        )

    def report(self, component: str, *, ready: bool, state: dict[str, Any], init: bool = False) -> None:
        """Writes into the status of the component's pod what a kubelet would."""
        container: dict[str, Any] = {"name": "init-db" if init else component, "ready": ready, "state": state}
        container |= {"image": "i", "imageID": "i", "restartCount": 0}
        status = {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": str(ready)}],
            "initContainerStatuses" if init else "containerStatuses": [container],
        }
        name = self.pod(component)
        self.api.patch("v1", "Pod", name, self.namespace, body={"status": status}, subresource="status")

    def verify(self, urls: list[str], *, components: str, timeout: int) -> subprocess.CompletedProcess[str]:
        environment = self.environment | {
            "PATH": f"{self.kubectl.parent}{os.pathsep}{os.environ['PATH']}",
            "KUBECONFIG": str(self.kubeconfig),
            "HOME": str(self.kubeconfig.parent),
            "COMPONENTS": components,
            "READY_URLS": "\n".join(urls),
            "TIMEOUT_SECONDS": str(timeout),
            "POLL_SECONDS": "1",
        }
        return subprocess.run(
            ["/bin/sh", str(SCRIPT)], env=environment, text=True, capture_output=True, timeout=120, check=False
        )


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    state = State((tmp_path_factory.mktemp("state") / "verification").resolve())
    plane = ControlPlane(state, bootstrap.ensure(["kubectl", *BINARIES]), kubelet=False)
    try:
        plane.start()
        for definition in crds.manifests(*crds.WANDB):
            plane.api.apply(definition)
        yield plane
    finally:
        shut_down(state)


@pytest.fixture
def installation(cluster: ControlPlane, tmp_path: Path) -> Installation:
    namespace = f"w-{uuid.uuid4().hex[:8]}"
    api, made = cluster.api, recorded(namespace)
    api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    for token, (api_version, kind) in TYPES.items():
        (resource,) = made.recorder.of_type(token)
        api.create({**resource.inputs, "apiVersion": api_version, "kind": kind})
    api.create(
        {
            "apiVersion": "apps.wandb.com/v1",
            "kind": "WeightsAndBiases",
            "metadata": {"name": "wandb", "namespace": namespace},
        }
    )
    (job,) = made.recorder.of_type("kubernetes:batch/v1:Job")
    (container,) = job.inputs["spec"]["template"]["spec"]["containers"]
    account = job.inputs["spec"]["template"]["spec"]["serviceAccountName"]
    kubectl = cluster.binaries["kubectl"]
    token = subprocess.run(
        [kubectl, "--kubeconfig", cluster.kubeconfig, "--namespace", namespace, "create", "token", account],
        text=True,
        capture_output=True,
        check=True,
    ).stdout.strip()
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    config["users"] = [{"name": each["name"], "user": {"token": token}} for each in config["users"]]
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(config))
    environment = {each["name"]: each["value"] for each in container["env"]}
    return Installation(api, kubectl, namespace, tmp_path / "kubeconfig", environment)


@pytest.fixture
def site() -> Iterator[str]:
    """A server that answers on /ready and is out of order elsewhere."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/ready" else 503)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


RUNNING = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}


def test_a_rolled_out_revision_that_answers_is_ready(installation: Installation, site: str) -> None:
    installation.deploy("api")
    installation.report("api", ready=True, state=RUNNING)
    done = installation.verify([f"{site}/ready"], components="api", timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""


def test_a_failure_is_told_in_kubernetes_own_words(installation: Installation, site: str) -> None:
    installation.deploy("api")
    installation.deploy("app")
    installation.deploy("console")
    installation.deploy("glue", cpu="1000")
    installation.deploy("frontend", revision="old")
    missing = 'secret "wandb-server-license" not found'
    installation.report(
        "api", ready=False, state={"waiting": {"reason": "CreateContainerConfigError", "message": missing}}
    )
    installation.report("app", ready=False, state=RUNNING, init=True)
    installation.report("console", ready=False, state=RUNNING)
    api_pod, glue_pod = installation.pod("api"), installation.pod("glue")
    installation.api.create(
        {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": "e", "namespace": installation.namespace},
            "type": "Warning",
            "reason": "Failed",
            "message": f"Error: {missing}",
            "involvedObject": {"kind": "Pod", "name": api_pod, "namespace": installation.namespace},
        }
    )
    body = {"status": {"phase": "Loading"}}
    installation.api.patch(
        "apps.wandb.com/v1", "WeightsAndBiases", "wandb", installation.namespace, body=body, subresource="status"
    )
    done = installation.verify([f"{site}/ready"], components="api app console glue frontend weave", timeout=5)
    assert (done.returncode, done.stderr) == (1, "")
    for expected in (
        "weave: its Deployment does not exist yet",
        "frontend: wandb-frontend is still of revision old",
        "api: 0 of 1 pods are ready",
        f"{api_pod}|api|CreateContainerConfigError|{missing}",
        "|init-db|StillInitializing|since 2026-01-01T00:00:00Z",
        "|console|NotReady|running since 2026-01-01T00:00:00Z",
        f"{glue_pod}|-|Unschedulable|0/3 nodes are available",
        "    Loading",
        f"Error: {missing}",
        "A Secret or ConfigMap that a pod reads is missing",
        "No node has room for a pod",
        "MySQL does not answer W&B",
        "W&B's operator has not applied this revision",
    ):
        assert expected in done.stdout, done.stdout
    assert "no value" not in done.stdout


def test_an_endpoint_out_of_order_is_no_success(installation: Installation, site: str) -> None:
    installation.deploy("api")
    installation.report("api", ready=True, state=RUNNING)
    done = installation.verify([f"{site}/ready", f"{site}/sick"], components="api", timeout=5)
    assert done.returncode == 1
    assert f"{site}/sick: curl: (22) The requested URL returned error: 503" in done.stdout
    assert f"{site}/ready:" not in done.stdout


@pytest.mark.parametrize(
    "what", ["get secrets", "get configmaps", "get pods --subresource log", "create pods", "delete deployments"]
)
def test_the_job_may_not(installation: Installation, what: str) -> None:
    command = [installation.kubectl, "--kubeconfig", installation.kubeconfig, "--namespace", installation.namespace]
    asked = subprocess.run(
        [*command, "auth", "can-i", *what.split()],
        text=True,
        capture_output=True,
        check=False,
    )
    assert asked.stdout.strip() == "no", asked.stderr
