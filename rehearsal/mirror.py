"""The user's own registry in a rehearsal without a way out: the only one that anything can be had from.

It is taken to hold what `make images` lists. The file is written before each run, and read at each use.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .state import MARK, State

if TYPE_CHECKING:
    from settings import Settings

_SYSTEM = "kube-system"
"""What runs there was in the cluster before the stack."""


@dataclass(frozen=True, kw_only=True)
class Mirror:
    """The registry, what it holds, and whether it asks for a login."""

    images: tuple[str, ...]
    charts: str
    """The repository of charts."""
    pull_secret: str | None
    """Name of the Secret with the login; None: it asks for none."""
    charts_need_login: bool

    def refusal(self, pod: Mapping[str, Any], image: str) -> str | None:
        """Why a pod gets no image, in the words of a container runtime; None: it gets it."""
        if pod["metadata"]["namespace"] == _SYSTEM:
            return None
        if image not in self.images:
            registry = image.partition("/")[0] if "/" in image else "registry-1.docker.io"
            return f'failed to pull image "{image}": dial tcp: lookup {registry}: no such host'
        named = {each.get("name") for each in pod["spec"].get("imagePullSecrets") or ()}
        if self.pull_secret and self.pull_secret not in named:
            return f'failed to pull image "{image}": unexpected status 401 Unauthorized'
        return None


def write(state: State, settings: Settings | None) -> None:
    """Note the registry that a stack's settings name; nothing is noted where they name none."""
    asked = settings.air_gapped if settings else None
    if settings is None or asked is None:
        state.mirror.unlink(missing_ok=True)
        return
    from arguments.supply import pull_secrets, supply  # the program's own modules take a second to load

    found = Mirror(
        images=tuple(each.target for each in supply(settings).images),
        charts=asked.chart_repository,
        pull_secret=next(iter(pull_secrets(settings)), None),
        charts_need_login=asked.user is not None or asked.charts_secret is not None,
    )
    state.folder.mkdir(parents=True, exist_ok=True)
    state.mirror.write_text(json.dumps(asdict(found)), encoding="utf-8")


def read(state: State | None = None) -> Mirror | None:
    """The registry of a rehearsal; without `state`, of the one that this process belongs to. None: the world is open."""
    if state is None:
        folder = os.environ.get(MARK)
        if not folder:
            return None
        state = State(Path(folder))
    try:
        content: dict[str, Any] = json.loads(state.mirror.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    images = tuple(content.pop("images"))
    return Mirror(images=images, **content)
