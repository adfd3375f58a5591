"""The one kind of Job whose work others wait for: a chart's hook that applies CustomResourceDefinitions with kubectl."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from ..api import Api
from .gate import Lookup


def apply(pod: Mapping[str, Any], api: Api, lookup: Lookup) -> Iterator[str]:
    """Apply the definitions in the ConfigMaps mounted into containers that run `kubectl apply`; yields their names."""
    volumes = {volume["name"]: volume for volume in pod["spec"].get("volumes") or ()}
    for container in pod["spec"]["containers"]:
        if "kubectl apply" not in " ".join([*(container.get("command") or ()), *(container.get("args") or ())]):
            continue
        for mount in container.get("volumeMounts") or ():
            source = (volumes.get(mount["name"]) or {}).get("configMap") or {}
            content = (lookup("ConfigMap", source.get("name", "")) or {}).get("data") or {}
            for name in sorted(content):
                for document in yaml.safe_load_all(content[name]):
                    if document and document.get("kind") == "CustomResourceDefinition":
                        api.apply(document, field_manager="kubectl", force=True)
                        yield document["metadata"]["name"]
