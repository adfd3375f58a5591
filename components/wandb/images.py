"""The images that an installation of W&B's chart runs: what has to be on a registry of one's own.

Facts of chart `operator-wandb` 0.43.8. A component has one image for all of its containers; its tag is the one that this
program gives it, or the chart's own where only the user's values switch the component on; and those values may name another.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .inventory import COMPONENTS, running
from .option_values import merged
from .values import NEVER_INSTALLED, put

LATEST = "latest"
"""The tag that the chart gives W&B's images."""


@dataclass(frozen=True, kw_only=True)
class Other:
    """A part of the chart that runs only where it is switched on."""

    name: str
    image: str
    """Empty: more than one, or one that the chart's templates choose."""
    tag: str = LATEST
    """The chart's own."""
    prefixed: bool = True
    """Whether its image moves with the registry that is set for W&B's own images."""
    switch: str = ""
    """Path in the values; empty: `<name>.install`."""


OTHERS: tuple[Other, ...] = (
    *(Other(name=name, image="wandb/megabinary") for name in ("settingsMigrationJob", "clickhouseMigrationJob")),
    *(Other(name=name, image="alpine/k8s", tag="1.31.12") for name in ("appRenamePreHook", "appRenamePostHook")),
    *(
        Other(name=name, image="", prefixed=False)
        for name in (
            "mysql",
            "redis",
            "prometheus",
            "otel",
            "kafka",
            "bufstream",
            "clickhouse",
            "nginx",
            "yace",
            "stackdriver",
            "reloader",
            "lumen-agent",
        )
    ),
)


@dataclass(frozen=True, kw_only=True)
class ChartImages:
    """What the chart's pods are made of."""

    images: tuple[tuple[str, str], ...]
    """Repository, without the registry that is set for all of them, and tag."""
    unknown: tuple[str, ...]
    """Parts that are switched on and whose images are not known here."""


def chart_images(
    products: Collection[str],
    tag: str,
    extra_values: Mapping[str, Any],
    *,
    optional: Collection[str] = (),
    bundled: Collection[str] = (),
) -> ChartImages:
    """The images of W&B's components for `products`, with `tag`, and of what `extra_values` switch on or replace.

    `optional` are the components that are asked for by name, `bundled` the parts of others (`bufstream`, ...) that are on.
    """
    on = running(products, optional)
    tree: dict[str, Any] = {name: {"install": False} for name in NEVER_INSTALLED}
    for component in COMPONENTS:
        for switch in component.switches:
            put(tree, switch, component in on)
    for name in bundled:
        put(tree, f"{name}.install", True)
    tree = merged(tree, extra_values)
    found = [
        pair
        for component in COMPONENTS
        if all(_at(tree, switch) for switch in component.switches)
        for pair in _of(
            tree, component.name, component.image, component.own_version or (tag if component in on else LATEST)
        )
    ]
    unknown = []
    for other in OTHERS:
        if _at(tree, other.switch or f"{other.name}.install"):
            if other.prefixed:
                found += _of(tree, other.name, other.image, other.tag)
            else:
                unknown.append(other.name)
    return ChartImages(images=tuple(sorted(dict.fromkeys(found))), unknown=tuple(unknown))


def _of(tree: Mapping[str, Any], name: str, image: str, tag: str) -> Iterator[tuple[str, str]]:
    """The component's image, and those that single containers of it are given."""
    yield _image(_at(tree, f"{name}.image"), image, tag)
    for kind in ("containers", "initContainers"):
        for container in (_at(tree, f"{name}.{kind}") or {}).values():
            own = container.get("image") if isinstance(container, Mapping) else None
            if own:
                yield _image(own, image, tag)


def _image(given: Any, image: str, tag: str) -> tuple[str, str]:
    values = given if isinstance(given, Mapping) else {}
    return str(values.get("repository") or image), str(values.get("digest") or values.get("tag") or tag)


def _at(tree: Any, path: str) -> Any:
    for key in path.split("."):
        tree = tree.get(key) if isinstance(tree, Mapping) else None
    return tree
