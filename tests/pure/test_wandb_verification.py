"""The script of the verification Job, run by real shells.

`kubectl` and `curl` on its PATH are stand-ins: they print prepared answers in the form that the script's own templates
would give them. So this shows what the script makes of an answer. That a real kubectl gives such answers, to somebody
with the Job's rights, is shown in tests/cluster/test_wandb_verification.py.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from components.wandb import verification

SCRIPT = Path(verification.__file__).with_name(verification.SCRIPT)
SHELLS = [path for shell in ("dash", "bash", "busybox") if (path := shutil.which(shell))]

KUBECTL = """\
#!/bin/sh
# stand-in for kubectl: prints the file of the kind that is asked for; the n-th time its n-th part, then the last one
for word; do case $word in deployments|pods|events|weightsandbiases.apps.wandb.com) kind=$word; break ;; esac; done
count=$(($(cat "$ANSWERS/$kind.count" 2>/dev/null || echo 0) + 1))
echo "$count" > "$ANSWERS/$kind.count"
echo "$*" >> "$ANSWERS/asked"
[ -e "$ANSWERS/$kind.$count" ] || count=last
cat "$ANSWERS/$kind.$count"
[ ! -e "$ANSWERS/$kind.fails" ]
"""
CURL = """\
#!/bin/sh
# stand-in for curl: every URL answers but those in the file `dead`, until each was tried as often as the file says
for url; do :; done
echo "$url" >> "$ANSWERS/tried"
tried=$(grep -c -x -F "$url" "$ANSWERS/tried")
limit=$(sed -n "s|^$url ||p" "$ANSWERS/dead" 2>/dev/null)
if [ "$tried" -le "${limit:-0}" ]; then
  echo "curl: (22) The requested URL returned error: 503" >&2
  exit 22
fi
"""
FOREVER = 10**6
API = "http://wandb-api.wandb.svc.cluster.local:8081/ready"
CONSOLE = "http://wandb-console.wandb.svc.cluster.local:8082/console/api/ready"


def deployment(
    component: str, *, revision: str = "new", generation: int = 2, observed: int | str = 2, wanted: int = 2,
    updated: int | str = 2, total: int | str = 2, available: int | str = 2,
) -> str:  # fmt: skip
    """The script's line for a Deployment; a count that its status lacks is an empty text."""
    numbers = (generation, observed, wanted, updated, total, available)
    return "|".join([component, f"wandb-{component}", revision, *map(str, numbers)])


READY = (deployment("api"), deployment("console", wanted=1, updated=1, total=1, available=1))


@dataclass(kw_only=True)
class Cluster:
    """What the stand-ins answer: for Deployments and pods one list of lines per look, the last of them from then on."""

    deployments: list[tuple[str, ...]] = field(default_factory=lambda: [READY])
    pods: list[tuple[str, ...]] = field(default_factory=lambda: [()])
    dead: dict[str, int] = field(default_factory=dict)
    """URLs that do not answer, and how often."""
    events: tuple[str, ...] = ()
    fails: tuple[str, ...] = ()
    """Kinds that kubectl cannot read."""


@dataclass(frozen=True)
class Verdict:
    """How the script ended, what it said, and what it asked kubectl for."""

    code: int
    log: str
    asked: str

    def section(self, title: str) -> list[str]:
        """The indented lines below a line that ends with `title`."""
        lines = self.log.splitlines()
        start = next(index for index, line in enumerate(lines) if line.endswith(title)) + 1
        end = next((index for index in range(start, len(lines)) if not lines[index].startswith("    ")), len(lines))
        return [line.strip() for line in lines[start:end]]

    @property
    def causes(self) -> str:
        return "\n".join(self.section("Likely cause:"))


@pytest.fixture(params=SHELLS, ids=[Path(shell).name for shell in SHELLS])
def verify(request: pytest.FixtureRequest, tmp_path: Path):
    """Runs the script in a shell against a cluster, with `timeout` seconds to wait."""
    shell = [request.param, "sh"] if request.param.endswith("busybox") else [request.param]

    def verify(cluster: Cluster, *, timeout: int = 0, components: str = "api\nconsole") -> Verdict:
        for name, text in (("kubectl", KUBECTL), ("curl", CURL)):
            (tmp_path / name).write_text(text)
            (tmp_path / name).chmod(0o755)
        answer(tmp_path, "deployments", cluster.deployments)
        answer(tmp_path, "pods", cluster.pods)
        answer(tmp_path, "events", [cluster.events])
        answer(tmp_path, "weightsandbiases.apps.wandb.com", [("Loading",)])
        (tmp_path / "dead").write_text("".join(f"{url} {times}\n" for url, times in cluster.dead.items()))
        for kind in cluster.fails:
            (tmp_path / f"{kind}.fails").touch()
        environment = {
            "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
            "ANSWERS": str(tmp_path),
            "NAMESPACE": "wandb",
            "INSTANCE": "wandb",
            "OPERATOR_NAMESPACE": "wandb-operator",
            "REVISION": "new",
            "COMPONENTS": components,
            "READY_URLS": f"{API}\n{CONSOLE}",
            "TIMEOUT_SECONDS": str(timeout),
            "POLL_SECONDS": "0",
        }
        done = subprocess.run(
            [*shell, str(SCRIPT)], env=environment, text=True, capture_output=True, timeout=60, check=False
        )
        assert done.stderr == "", "the script complains of itself"
        return Verdict(done.returncode, done.stdout, (tmp_path / "asked").read_text())

    return verify


def answer(folder: Path, kind: str, looks: list[tuple[str, ...]]) -> None:
    for index, lines in enumerate(looks, start=1):
        text = "".join(f"{line}\n" for line in lines)
        (folder / f"{kind}.{index}").write_text(text)
        (folder / f"{kind}.last").write_text(text)


def test_there_is_more_than_one_shell_to_try() -> None:
    assert "dash" in {Path(shell).name for shell in SHELLS}, "the Job's shell is a small one; bash proves little"


def test_wandb_that_runs_this_revision_and_answers_is_ready(verify) -> None:
    verdict = verify(Cluster())
    assert verdict.code == 0
    assert "W&B is ready" in verdict.log
    assert "--namespace wandb --request-timeout 30s get deployments" in verdict.asked
    assert "--selector app.kubernetes.io/instance=wandb" in verdict.asked


def test_it_waits_for_a_rollout_and_says_how_far_it_is(verify) -> None:
    one, none = deployment("api", available=1), deployment("api", updated="", total="", available="")
    verdict = verify(Cluster(deployments=[(none, READY[1]), (one, READY[1]), READY]), timeout=30)
    assert verdict.code == 0
    assert "api: 0 of 2 pods are of this revision" in verdict.log
    assert "api: 1 of 2 pods are ready" in verdict.log
    assert verdict.log.count("Not yet:") == 2


def test_it_waits_for_an_endpoint_that_answers_late(verify) -> None:
    verdict = verify(Cluster(dead={CONSOLE: 2}), timeout=30)
    assert verdict.code == 0
    assert f"{CONSOLE}: curl: (22)" in verdict.log


def test_what_has_not_changed_is_not_said_again(verify) -> None:
    verdict = verify(Cluster(dead={API: 5}), timeout=30)
    assert verdict.code == 0
    assert verdict.log.count("Not yet:") == 1


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (deployment("api", revision="old"), "api: wandb-api is still of revision old"),
        (deployment("api", revision=""), "api: wandb-api is still of revision none"),
        (deployment("api", observed=1), "api: the change of wandb-api has not been seen yet"),
        (deployment("api", observed=""), "api: the change of wandb-api has not been seen yet"),
        (deployment("api", updated=1), "api: 1 of 2 pods are of this revision"),
        (deployment("api", total=3), "api: 1 pods of an older revision are ending"),
        (deployment("api", available=""), "api: 0 of 2 pods are ready"),
    ],
)
def test_a_deployment_that_is_not_rolled_out_is_no_success(verify, line: str, said: str) -> None:
    verdict = verify(Cluster(deployments=[(line, READY[1])]))
    assert verdict.code == 1
    assert said in verdict.section("What is missing:")


def test_no_deployment_at_all_is_no_success(verify) -> None:
    verdict = verify(Cluster(deployments=[()]))
    assert verdict.code == 1
    missing = ["api: its Deployment does not exist yet", "console: its Deployment does not exist yet"]
    assert verdict.section("What is missing:") == missing
    assert "operator has not applied this revision" in verdict.causes
    assert "kubectl --namespace wandb-operator logs deployment/wandb-controller-manager" in verdict.causes
    assert verdict.section("Phase of WeightsAndBiases wandb:") == ["Loading"]


def test_a_component_is_not_taken_for_another_whose_name_begins_alike(verify) -> None:
    verdict = verify(Cluster(deployments=[(deployment("weave-trace"),)]), components="weave weave-trace")
    assert verdict.section("What is missing:") == ["weave: its Deployment does not exist yet"]


def test_a_deployment_that_is_not_asked_for_must_be_rolled_out_too(verify) -> None:
    verdict = verify(Cluster(deployments=[(*READY, deployment("filestream", available=0))]))
    assert verdict.section("What is missing:") == ["filestream: 0 of 2 pods are ready"]


def test_deployments_that_cannot_be_read_are_no_success(verify) -> None:
    verdict = verify(Cluster(deployments=[("Error from server (Forbidden)",)], fails=("deployments",)))
    assert verdict.code == 1
    assert verdict.section("What is missing:") == ["The Deployments cannot be read: Error from server (Forbidden)"]


def test_an_endpoint_that_never_answers_is_no_success(verify) -> None:
    verdict = verify(Cluster(dead={API: FOREVER}))
    assert verdict.code == 1
    assert verdict.section("What is missing:") == [f"{API}: curl: (22) The requested URL returned error: 503"]
    assert "does a NetworkPolicy keep this Job's pod from it?" in verdict.causes


STUCK = (deployment("api", updated=0, total=0, available=0), READY[1])


@pytest.mark.parametrize(
    ("problem", "cause"),
    [
        (
            'wandb-api-1|api|CreateContainerConfigError|secret "wandb-server-license" not found',
            "A Secret or ConfigMap that a pod reads is missing",
        ),
        ('wandb-api-1|api|ErrImagePull|rpc error: ... "wandb/x:0"', "An image cannot be pulled"),
        ("wandb-api-1|api|ImagePullBackOff|Back-off pulling image", "An image cannot be pulled"),
        ("wandb-api-1|-|Unschedulable|0/3 nodes are available: 3 Insufficient cpu.", "No node has room for a pod"),
        ("wandb-api-1|api|CrashLoopBackOff|back-off 40s restarting", "A container starts and ends"),
        ("wandb-app-1|init-db|StillInitializing|since 2026-01-01T00:00:00Z", "MySQL does not answer W&B"),
        ("wandb-api-1|migrate-db|CrashLoopBackOff|back-off 40s", "The migration of MySQL fails"),
        ("wandb-weave-trace-1|weave-trace-migrate|CrashLoopBackOff|back-off", "The migration of ClickHouse fails"),
        ("wandb-api-1|api|NotReady|running since 2026-01-01T00:00:00Z", "A container runs without getting ready"),
        ("", "None stands out"),
    ],
)
def test_a_failure_names_the_pod_and_the_likely_cause(verify, problem: str, cause: str) -> None:
    events = ("AT KIND NAME REASON MESSAGE", "2026-01-01T00:00:00Z Pod wandb-api-1 Failed Error: secret not found")
    verdict = verify(Cluster(deployments=[STUCK], pods=[(problem,) if problem else ()], events=events))
    assert verdict.code == 1
    assert verdict.section("(pod|container|reason|message):") == [problem or "none"]
    assert cause in verdict.causes
    assert verdict.section("Last warnings in namespace wandb:") == list(events)


def test_what_keeps_a_pod_is_said_while_waiting_and_what_is_usual_is_not(verify) -> None:
    usual = "wandb-app-1|app|PodInitializing|"
    missing = 'wandb-api-1|api|CreateContainerConfigError|secret "wandb-server-license" not found'
    verdict = verify(Cluster(deployments=[STUCK, READY], pods=[(usual, missing)]), timeout=30)
    assert verdict.code == 0
    assert missing in verdict.section("Not yet:")
    assert "PodInitializing" not in verdict.log


def test_the_likely_cause_is_the_end_of_the_log_which_becomes_the_pods_termination_message(verify) -> None:
    verdict = verify(Cluster(deployments=[STUCK], pods=[("wandb-api-1|-|Unschedulable|0/3 nodes are available",)]))
    assert verdict.log.splitlines()[-1].strip() == verdict.causes.splitlines()[-1]


@pytest.mark.parametrize("kind", ["pods", "events", "weightsandbiases.apps.wandb.com"])
def test_a_report_is_made_of_what_can_be_read(verify, kind: str) -> None:
    verdict = verify(Cluster(deployments=[STUCK], fails=(kind,)))
    assert verdict.code == 1
    assert verdict.causes
