"""In a rehearsal without a way out only what the user's own registry holds can be had, and only with its login."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rehearsal import mirror
from rehearsal.mirror import Mirror
from rehearsal.operators import charts
from rehearsal.state import MARK, State
from settings.stack_file import read_stack

THERE = "registry.example.com/wandb/local:1"
CLOSED = Mirror(
    images=(THERE,), charts="oci://registry.example.com/charts", pull_secret="login", charts_need_login=True
)


def pod(*secrets: str, namespace: str = "wandb") -> dict[str, Any]:
    return {"metadata": {"namespace": namespace}, "spec": {"imagePullSecrets": [{"name": each} for each in secrets]}}


def test_an_image_comes_with_the_login_and_from_that_registry_alone() -> None:
    assert CLOSED.refusal(pod("login"), THERE) is None
    assert "401 Unauthorized" in str(CLOSED.refusal(pod("other"), THERE))
    assert "no such host" in str(CLOSED.refusal(pod("login"), "docker.io/wandb/local:1"))
    assert "registry-1.docker.io" in str(CLOSED.refusal(pod("login"), "mysql"))
    assert CLOSED.refusal(pod(namespace="kube-system"), "registry.k8s.io/pause:3") is None


def test_the_registry_of_a_stack_is_noted_for_every_process_of_its_rehearsal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = State(tmp_path / "air-gapped")
    monkeypatch.setenv(MARK, str(state.folder))
    mirror.write(state, read_stack("air-gapped"))
    noted = mirror.read()
    assert noted
    assert noted.pull_secret == "mirror-login"
    own = f"{noted.charts}/operator"
    assert charts.find(own, "1.4.8", None)[0].name == "operator"
    with pytest.raises(charts.ChartUnavailable, match="no way out"):
        charts.find("operator", "1.4.8", "https://charts.wandb.ai")
    mirror.write(state, read_stack("dev"))
    assert mirror.read() is None
    assert charts.find("operator", "1.4.8", "https://charts.wandb.ai")[1] == "1.4.8"
