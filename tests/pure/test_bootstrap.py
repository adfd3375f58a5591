"""What the bootstrap promises about its cache: what is there is whole, and is what the pins say.

What it cannot see: that Go builds the programs. Every test of the layers above runs on programs that it built.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from pathlib import Path

import pytest

from tools import bootstrap
from tools.bootstrap import build, cache, engine, progress, venv
from tools.bootstrap.families import ALL, FAMILIES, TOOLS, owner


@pytest.fixture(autouse=True)
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "wandb-selfhosted"


def test_the_cache_is_in_the_folder_that_the_user_chose(cache_folder: Path) -> None:
    assert cache.root() == cache_folder


def test_a_relative_cache_folder_is_ignored_as_the_standard_asks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "here")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache.root() == tmp_path / ".cache" / "wandb-selfhosted"


def test_what_is_published_appears_whole(tmp_path: Path) -> None:
    target = tmp_path / "made"
    with cache.publish(target) as partial:
        (partial / "file").write_text("content")
        assert not target.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_what_fails_half_way_leaves_nothing(tmp_path: Path) -> None:
    def interrupted() -> None:
        with cache.publish(tmp_path / "made") as partial:
            (partial / "half").touch()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not list(tmp_path.iterdir())


def test_what_a_killed_run_left_is_removed_by_the_next(tmp_path: Path) -> None:
    (tmp_path / "made.partial-1").mkdir()
    (tmp_path / "made.partial-1" / "half").touch()
    with cache.publish(tmp_path / "made"):
        pass
    assert not list((tmp_path / "made").iterdir())


def _append_slowly(log: Path, word: str) -> None:
    with cache.lock("test"):
        for _ in range(3):
            with log.open("a") as file:
                file.write(f"{word}\n")
            time.sleep(0.02)


def test_two_runs_at_once_take_turns(tmp_path: Path) -> None:
    log = tmp_path / "log"
    context = multiprocessing.get_context("fork")
    runs = [context.Process(target=_append_slowly, args=(log, word)) for word in ("one", "two")]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert log.read_text().split() in (["one"] * 3 + ["two"] * 3, ["two"] * 3 + ["one"] * 3)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_versions_and_checksums_are_pinned(family: bootstrap.families.Family) -> None:
    assert family.version.startswith("v")
    assert f"{family.module} {family.version} h1:" in (family.folder / "go.sum").read_text()


def test_every_go_module_in_tools_is_built() -> None:
    assert {path.parent.name for path in TOOLS.glob("*/go.mod")} == {family.name for family in FAMILIES}


def test_the_pulumi_cli_has_the_version_of_the_pulumi_sdk() -> None:
    pin = next(
        line for line in (venv.REPOSITORY / "requirements.txt").read_text().splitlines() if line.startswith("pulumi==")
    )
    assert pin.split()[0] == f"pulumi=={owner('pulumi').version.removeprefix('v')}"


def test_constraints_agree_with_the_requirements() -> None:
    def pins(name: str) -> dict[str, str]:
        lines = [line.split("#")[0].split(";")[0].strip() for line in (venv.REPOSITORY / name).read_text().splitlines()]
        pairs = [line.split("==") for line in lines if "==" in line]
        return {key.partition("[")[0].lower().replace("_", "-"): version.strip() for key, version in pairs}

    wanted = pins("requirements.txt") | pins("requirements-dev.txt")
    constrained = pins("constraints.txt")
    assert {name: constrained.get(name) for name in wanted} == wanted, "write constraints.txt anew: its head says how"


@pytest.mark.parametrize("name", ["go.mod", "go.sum", "tools.go"])
def test_a_changed_pin_is_another_build(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    family = owner("etcd")
    before = build.folder(family)
    for pin in family.pins:
        (tmp_path / pin.name).write_bytes(pin.read_bytes() + (b"\n// changed\n" if pin.name == name else b""))
    monkeypatch.setattr(
        type(family), "pins", property(lambda self: tuple(tmp_path / pin for pin in ("go.mod", "go.sum", "tools.go")))
    )
    assert build.folder(family) != before


def test_programs_in_the_cache_are_found_without_building_anything() -> None:
    folder = build.folder(owner("kubectl"))
    folder.mkdir(parents=True)
    assert bootstrap.ensure(["kubectl", "kube-scheduler"]) == {
        "kubectl": folder / "kubectl",
        "kube-scheduler": folder / "kube-scheduler",
    }
    assert "kubectl" not in bootstrap.missing()
    assert "etcd" in bootstrap.missing()


def test_an_unknown_program_is_refused_with_the_list_of_those_there_are() -> None:
    with pytest.raises(ValueError, match="no program 'helm' here; there are pulumi, etcd"):
        bootstrap.ensure(["helm"])
    assert "kube-apiserver" in ALL


def test_a_shim_on_path_is_not_taken_for_the_pulumi_cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shim = tmp_path / "pulumi"
    shim.write_text("#!/bin/sh\necho v3.259.0\n")
    shim.chmod(0o755)
    (tmp_path / engine.EXECUTOR).touch()
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert engine.on_path("v3.259.0") is None


def test_the_pulumi_cli_stands_beside_our_language_host_and_its_executor(tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "pulumi").touch()
    (programs / engine.EXECUTOR).write_text("executor")
    pulumi = engine.assemble(programs, Path(sys.executable))
    assert not pulumi.is_symlink(), "the CLI resolves links before it looks beside itself"
    assert pulumi.with_name(engine.EXECUTOR).read_text() == "executor"
    assert sys.executable in pulumi.with_name("pulumi-language-python").read_text()
    assert engine.assemble(programs, Path(sys.executable)) == pulumi
    assert engine.assemble(programs, tmp_path / "another-python") != pulumi


def test_a_command_that_fails_ends_in_an_error_with_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(progress.BootstrapError, match=r"(?s)things: .* ended with code 3.*out of luck"):
        progress.run(["sh", "-c", "echo out of luck; exit 3"], label="things", expected_seconds=1, log=tmp_path / "log")


def test_the_environment_changes_with_its_requirements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = venv._folder()
    for name in venv.REQUIREMENTS:
        (tmp_path / name).write_bytes((venv.REPOSITORY / name).read_bytes())
    monkeypatch.setattr(venv, "REPOSITORY", tmp_path)
    assert venv._folder() == before
    (tmp_path / "requirements.txt").write_text("pulumi==0\n")
    assert venv._folder() != before


def test_a_half_made_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Path] = []
    monkeypatch.setattr(venv, "_make", made.append)
    folder = venv._folder()
    (folder / "bin").mkdir(parents=True)
    venv.python_of(folder).symlink_to(sys.executable)
    venv.ensure()
    assert made == [folder]
    (folder / venv.MARKER).touch()
    venv.ensure()
    assert made == [folder], "a complete one is used as it is"


def test_a_virtual_environment_of_the_users_own_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(venv, "REPOSITORY", tmp_path)
    (tmp_path / ".venv").mkdir()
    venv.link(tmp_path / "ours")
    assert not (tmp_path / ".venv").is_symlink()


def test_the_clones_environment_leads_to_the_current_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(venv, "REPOSITORY", tmp_path)
    for name in ("old", "new"):
        venv.link(tmp_path / name)
        assert (tmp_path / ".venv").readlink() == tmp_path / name
    assert {path.name for path in tmp_path.iterdir()} - {"wandb-selfhosted"} == {".venv"}
