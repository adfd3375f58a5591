"""Every pod meets the Pod Security Standard that its namespace enforces, by the rules of the standards themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.harness import Recording, record_stack
from tests.program.test_stacks import kind, recorded
from tests.program.test_supply import pods

LABEL = "pod-security.kubernetes.io/enforce"
VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}


def levels(recording: Recording) -> dict[str, str]:
    found = (each.inputs["metadata"] for each in recording.recorder.custom() if kind(each) == "Namespace")
    return {each["name"]: each["labels"][LABEL] for each in found}


def violations(pod: Mapping[str, Any]) -> Iterator[str]:
    """What `restricted` refuses. Source: Kubernetes documentation, Pod Security Standards. What it refuses as well and nothing
    here could ask for (AppArmor, SELinux, sysctls, Windows) is left out; an API server holds all of it in rehearsals."""
    both = pod.get("securityContext") or {}
    yield from (f"{key} is set" for key in ("hostNetwork", "hostPID", "hostIPC") if pod.get(key))
    for volume in pod.get("volumes") or ():
        yield from (f"volume {each}" for each in volume.keys() - VOLUMES - {"name"} if volume[each] is not None)
    for container in [*pod["containers"], *(pod.get("initContainers") or ())]:
        own = container.get("securityContext") or {}
        capabilities = own.get("capabilities") or {}
        user = own.get("runAsUser", both.get("runAsUser"))
        profile = own.get("seccompProfile") or both.get("seccompProfile") or {}
        wrong = {
            "privileged": own.get("privileged"),
            "allowPrivilegeEscalation": own.get("allowPrivilegeEscalation") is not False,
            "capabilities": "ALL" not in capabilities.get("drop", ()) or capabilities.get("add"),
            "runAsNonRoot": not own.get("runAsNonRoot", both.get("runAsNonRoot")) or user == 0,
            "seccompProfile": profile.get("type") not in ("RuntimeDefault", "Localhost"),
            "hostPort": any(port.get("hostPort") for port in container.get("ports") or ()),
        }
        yield from (f"{container['name']}: {name}" for name, bad in wrong.items() if bad)


@pytest.mark.parametrize("stack", ["dev", "models-only", "prod"])
def test_every_pod_meets_restricted_where_its_namespace_enforces_that(stack: str) -> None:
    recording = recorded(stack)
    enforced = levels(recording)
    assert {enforced["wandb"], enforced["wandb-operator"]} == {"restricted"}
    seen = set()
    for namespace, pod in pods(recording):
        if enforced.get(namespace) == "restricted":
            seen.add(namespace)
            assert list(violations(pod)) == []
    assert seen >= {"wandb", "wandb-operator"}


def test_the_namespace_of_clickhouse_is_baseline_only_while_a_job_of_its_chart_runs_there() -> None:
    assert levels(recorded("dev"))["clickhouse"] == "baseline"
    refused = [
        wrong for namespace, pod in pods(recorded("dev")) if namespace == "clickhouse" for wrong in violations(pod)
    ]
    assert refused, "nothing needs less than restricted any more: raise it"
    assert all(each.startswith("crd-install") for each in refused), refused
    external = record_stack(
        "one-replica",
        changes={"wandb:clickhouse": {"kind": "managed", "replicas": 1, "keepers": 1, "crds": "external"}},
    )
    assert set(levels(external).values()) == {"restricted"}


def test_a_user_may_lower_it() -> None:
    lowered = record_stack("dev", changes={"wandb:namespaces": {"podSecurity": "privileged"}})
    assert set(levels(lowered).values()) == {"privileged"}
