"""Imports go one way. Read from the source, so that a lazy import within a function counts as well."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

ARROWS: dict[str, set[str]] = {
    "components": set(),
    "sizing": set(),
    "settings": set(),
    "preflight": {"settings", "sizing", "components"},
    "arguments": {"settings", "sizing", "components"},
    "__main__": {"settings", "preflight", "sizing", "arguments", "components"},
    "standalone": {"settings", "arguments", "components", "sizing"},
    "tools": set(),
    "commands": {"arguments", "settings", "tools"},
    "rehearsal": {"arguments", "commands", "preflight", "settings", "sizing", "tools"},
    "bench": {"components", "settings", "sizing", "rehearsal", "tools", "tests"},
}
"""Which of this project's own packages each of them may import, besides itself."""

PLATFORMS = ("aws", "gcp", "azure", "kubernetes")
PRODUCT = ("__main__", "arguments", "commands", "standalone", "preflight", "settings", "sizing", "components")
"""What a user deploys with."""


@dataclass(frozen=True)
class Import:
    """One import statement: where it stands, and the absolute name of what it imports."""

    file: Path
    line: int
    target: str

    def __str__(self) -> str:
        return f"{self.file.relative_to(ROOT)}:{self.line} imports {self.target}"

    @property
    def package(self) -> str:
        return self.target.partition(".")[0]


def sources(package: str) -> list[Path]:
    """The modules of `package`, a folder or a single file at the root of the project."""
    folder = ROOT / package
    return sorted(folder.rglob("*.py")) if folder.is_dir() else [folder.with_suffix(".py")]


def imports(file: Path) -> Iterator[Import]:
    """Every import in `file`; relative ones are resolved."""
    parents = file.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(file.read_text(), filename=str(file))):
        if isinstance(node, ast.Import):
            yield from (Import(file, node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = parents[: len(parents) - node.level + 1] if node.level else ()
            # `from . import aws` imports a module just as `from .aws import Network` does.
            for alias in node.names:
                yield Import(file, node.lineno, ".".join([*base, *filter(None, [node.module]), alias.name]))


@pytest.mark.parametrize("package", ARROWS)
def test_a_package_imports_only_what_lies_below_it(package: str) -> None:
    own = set(ARROWS) | {"tests"}
    allowed = ARROWS[package] | {package}
    wrong = [str(each) for file in sources(package) for each in imports(file) if each.package in own - allowed]
    assert not wrong, f"{package} may import, of this project, {sorted(ARROWS[package]) or 'nothing'}"


def test_components_are_imported_relatively_so_that_they_also_work_inside_an_installed_package() -> None:
    wrong = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file in sources("components")
        for node in ast.walk(ast.parse(file.read_text()))
        if (isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").startswith("components"))
        or (isinstance(node, ast.Import) and any(alias.name.startswith("components") for alias in node.names))
    ]
    assert not wrong


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_platform_knows_of_no_other_platform(platform: str) -> None:
    others = tuple(f"components.{other}" for other in PLATFORMS if other != platform)
    wrong = [
        str(each)
        for file in sorted((ROOT / "components" / platform).rglob("*.py"))
        for each in imports(file)
        if each.target.startswith(others)
    ]
    assert not wrong, "each cloud's SDK costs seconds and hundreds of MB, paid only by who chose that cloud"


@pytest.mark.parametrize("layer", ["clickhouse", "wandb"])
def test_clickhouse_and_wandb_cannot_tell_which_platform_they_stand_on(layer: str) -> None:
    others = tuple(f"components.{platform}" for platform in PLATFORMS)
    files = sorted((ROOT / "components" / layer).rglob("*.py"))
    wrong = [str(each) for file in files for each in imports(file) if each.target.startswith(others)]
    assert not wrong, "what they need of a platform is in components/contracts.py"


def test_sizing_imports_nothing_of_pulumi() -> None:
    wrong = [str(each) for file in sources("sizing") for each in imports(file) if each.package.startswith("pulumi")]
    assert not wrong, "a plan can be made, printed and tested without Pulumi"


def test_the_bootstrap_needs_nothing_that_it_has_yet_to_install() -> None:
    standard = sys.stdlib_module_names | {"__future__", "tools"}
    files = [ROOT / "tools" / "__init__.py", *sorted((ROOT / "tools" / "bootstrap").rglob("*.py"))]
    wrong = [str(each) for file in files for each in imports(file) if each.package not in standard]
    assert not wrong


@pytest.mark.parametrize("package", PRODUCT)
def test_what_a_user_deploys_with_does_not_know_that_rehearsals_exist(package: str) -> None:
    wrong = [
        f"{file.relative_to(ROOT)}:{number}: {line.strip()}"
        for file in sources(package)
        for number, line in enumerate(file.read_text().splitlines(), start=1)
        if "rehears" in line.lower()
    ]
    assert not wrong, "a program that knows of its rehearsal rehearses something else than what is deployed"
