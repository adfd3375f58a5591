"""What W&B's operator of the next generation can make of values of the present chart.

Its conversion webhook reads the values into types. Rules: the Go types and the conversion of `apps.wandb.com/v2` in wandb/operator,
2.0.0-beta.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

SIZES = ("dev", "micro", "small", "medium", "large", "xlarge", "xxlarge")
_STRINGS = ("annotations", "podAnnotations", "podLabels", "additionalHosts")


def unconvertible(values: Mapping[str, Any]) -> list[str]:
    """What stops the conversion, or would be lost in it, each by its path. `app` has to carry what is copied from it alone."""
    return [*_fixed(values), *_anywhere(values, "")]


def _fixed(values: Mapping[str, Any]) -> Iterator[str]:
    tag = ((values.get("app") or {}).get("image") or {}).get("tag")
    if not isinstance(tag, str) or not re.match(r"\d+\.\d+", tag):
        yield "app.image.tag: becomes the version, and is not one"
    if values["global"].get("size") not in SIZES:
        yield "global.size: is none that it knows"
    if len((values.get("ingress") or {}).get("tls") or ()) > 1:
        yield "ingress.tls: only the first is kept"
    accounts = {
        name: tuple(sorted(each["serviceAccount"]["annotations"]))
        for name, each in values.items()
        if isinstance(each, Mapping) and (each.get("serviceAccount") or {}).get("annotations")
    }
    if accounts and "app" not in accounts:
        yield "app.serviceAccount.annotations: only those of app are kept, and it has none"


def _anywhere(here: Any, path: str) -> Iterator[str]:
    if isinstance(here, Mapping):
        for key, value in here.items():
            below = f"{path}.{key}".lstrip(".")
            if key == "valueFrom":
                reference = (value.get("secretKeyRef") if isinstance(value, Mapping) else None) or {}
                if set(value) != {"secretKeyRef"} or not (reference.get("name") and reference.get("key")):
                    yield f"{below}: only secretKeyRef with name and key is read"
            elif key in _STRINGS:
                texts = value.values() if isinstance(value, Mapping) else value
                if not all(isinstance(each, str) for each in texts):
                    yield f"{below}: has something else than texts"
            else:
                yield from _anywhere(value, below)
    elif isinstance(here, list):
        for number, value in enumerate(here):
            yield from _anywhere(value, f"{path}[{number}]")
    elif here is None:
        yield f"{path}: is null"
