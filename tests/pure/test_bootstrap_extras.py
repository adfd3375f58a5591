"""What single tests need besides the programs is pinned, and what is missing on a machine is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools.bootstrap import BootstrapError, extras
from tools.bootstrap.families import TOOLS


def test_without_node_the_store_of_azure_says_what_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(BootstrapError, match=r"node and npm.*Node\.js"):
        extras.azurite()


def test_every_package_of_azurite_is_pinned_by_its_checksum_and_by_no_registry() -> None:
    packages = json.loads((TOOLS / "azurite" / "package-lock.json").read_text())["packages"]
    brought = {name: package for name, package in packages.items() if name}
    assert brought["node_modules/azurite"]["version"] == packages[""]["dependencies"]["azurite"]
    assert [name for name, package in brought.items() if not package.get("integrity")] == []
    assert [name for name, package in brought.items() if "resolved" in package] == []


@pytest.mark.parametrize("name", ["clickhouse", "wandb", "weave"])
def test_every_python_package_has_one_version(name: str) -> None:
    lines = (TOOLS / name / "requirements.txt").read_text().splitlines()
    packages = [line for line in lines if not line.startswith("#")]
    assert packages
    assert [line for line in packages if "==" not in line] == []
