"""The Pulumi CLI with our language host, on a program without any provider.

What it cannot see: what the official host does beyond running a program, such as making virtual environments.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.harness.patience import until
from tools import bootstrap

PROGRAM = """
import os, pathlib, subprocess, time
import pulumi

config = pulumi.Config()
print("the program speaks")
pulumi.export("word", config.get_secret("word"))
match config.get("then"):
    case "wait":
        child = subprocess.Popen(["sleep", "600"])
        pathlib.Path("running").write_text(f"{os.getppid()} {os.getpid()} {child.pid}")
        time.sleep(600)
    case "fail":
        raise pulumi.RunError("the program says what is wrong")
"""


@dataclass(frozen=True)
class Project:
    """A project with one program, in a Pulumi home and a backend of its own."""

    folder: Path
    pulumi: Path

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {
            "PULUMI_HOME": str(self.folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{self.folder}",
            "PULUMI_CONFIG_PASSPHRASE": "test",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
        }

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        command = [str(self.pulumi), *arguments, "--non-interactive", "--color=never"]
        pipe = subprocess.PIPE
        return subprocess.Popen(
            command, cwd=self.folder, env=self.environment, stdout=pipe, stderr=subprocess.STDOUT, text=True
        )

    def run(self, *arguments: str) -> tuple[int, str]:
        process = self.start(*arguments)
        output, _ = process.communicate()
        return process.returncode, output

    def up(self, then: str) -> tuple[str, ...]:
        return ("up", "--yes", "--skip-preview", "--stack=dev", "--config", f"small:then={then}")


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    (tmp_path / "Pulumi.yaml").write_text("name: small\nruntime: python\n")
    (tmp_path / "__main__.py").write_text(PROGRAM)
    made = Project(tmp_path, bootstrap.ensure(["pulumi"])["pulumi"])
    code, output = made.run("stack", "init", "dev")
    assert code == 0, output
    yield made
    for pid in _pids(made):
        if _lives(pid):
            os.kill(pid, signal.SIGKILL)


def _pids(project: Project) -> list[int]:
    """The language host, the program, and what the program started."""
    running = project.folder / "running"
    return [int(pid) for pid in running.read_text().split()] if running.exists() else []


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_program_runs_with_its_configuration_and_its_secrets_stay_secret(project: Project) -> None:
    project.run("config", "set", "--secret", "word", "hush", "--stack=dev")
    code, output = project.run(*project.up("end"))
    assert code == 0, output
    assert "the program speaks" in output
    assert "warning" not in output
    assert "hush" not in output
    assert project.run("stack", "output", "word", "--show-secrets", "--stack=dev") == (0, "hush\n")


def test_a_program_that_fails_fails_the_run_and_is_heard(project: Project) -> None:
    code, output = project.run(*project.up("fail"))
    assert code != 0
    assert "error: the program says what is wrong" in output


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_nothing_outlives_the_cli(project: Project, number: signal.Signals) -> None:
    cli = project.start(*project.up("wait"))
    until(lambda: len(_pids(project)) == 3, "the program runs")
    host, program, child = _pids(project)
    assert all(map(_lives, (host, program, child)))
    cli.send_signal(number)
    cli.communicate()
    until(lambda: not any(map(_lives, (host, program, child))), "host, program and its child have ended")
