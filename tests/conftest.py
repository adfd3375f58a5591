"""What all tests share: no contact with the user's own clusters and Pulumi, the cheapest layer first, the dev stack."""

from __future__ import annotations

import os
from pathlib import Path

import hypothesis
import pytest

from tests.harness import Recording, record_stack
from tools import bootstrap

ROOT = Path(__file__).resolve().parents[1]
LAYERS = ("pure", "program", "cluster", "engine")
NEED_PROGRAMS = ("cluster", "engine")
LONGEST = (
    "test_aws_stack.py",
    "test_aws_examples.py",
    "test_dev_stack.py",
    "test_lifecycle.py",
    "test_providers.py",
    "test_aws_provider.py",
    "test_clickhouse_backup.py",
    "test_settings_alive.py",
)
"""Begun first within their layer: whoever runs a file runs all of it, and nobody should be waited for at the end."""

# How long an example takes depends on the machine, not on the code.
hypothesis.settings.register_profile("wandb", deadline=None, print_blob=True)
hypothesis.settings.load_profile("wandb")


def pytest_configure() -> None:
    """Takes away the way to the user's own clusters, stacks and registries of plugins."""
    for name in [name for name in os.environ if name.startswith("PULUMI_")]:
        del os.environ[name]
    os.environ["KUBECONFIG"] = os.devnull
    # Each of hundreds of processes would compile the same files.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    # An Output in an f-string is a mistake that otherwise ends up, as a page of advice, in some value.
    os.environ["PULUMI_ERROR_OUTPUT_STRING"] = "true"


def pytest_report_header() -> str:
    """Says, above the tests, which CustomResourceDefinitions manifests are held against."""
    folder = os.environ.get("WANDB_CRDS")
    if folder:
        return f"CustomResourceDefinitions: the operators' own, in {folder}"
    return "CustomResourceDefinitions: stand-in schemas of this project (WANDB_CRDS is not set)"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the cheapest layer first, and stops at once where programs are needed that are not there."""
    items.sort(key=_turn)
    missing = bootstrap.missing() if any(_layer(item) in NEED_PROGRAMS for item in items) else []
    if missing:
        raise pytest.UsageError(
            f"tests in {' and '.join(NEED_PROGRAMS)} need programs that are not there: {', '.join(missing)}. "
            "Get them with: python3 -m tools.bootstrap (or run `make test`)"
        )


def _turn(item: pytest.Item) -> tuple[int, int]:
    layer, name = _layer(item), item.path.name
    return (
        LAYERS.index(layer) if layer in LAYERS else len(LAYERS),
        LONGEST.index(name) if name in LONGEST else len(LONGEST),
    )


def _layer(item: pytest.Item) -> str:
    path = item.path.relative_to(ROOT / "tests") if item.path.is_relative_to(ROOT / "tests") else item.path
    return path.parts[0]


@pytest.fixture(scope="session")
def dev_stack() -> Recording:
    """The program as an `up` of Pulumi.dev.yaml, recorded once; see `record_stack`."""
    return record_stack("dev")
