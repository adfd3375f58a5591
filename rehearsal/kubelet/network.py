"""Nodes of EKS node groups: ready while a pod of the VPC's network plugin runs on them, as a kubelet reports it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from ..api import Api, ApiError
from ..aws.eks.fleet import NO_NETWORK, unready
from ..control_plane.nodes import NODE_GROUP, ready_status
from .cache import Cache

Object = Mapping[str, Any]
log = logging.getLogger(__name__)

PLUGIN = ("k8s-app", "aws-node")
"""Label of the plugin's pods."""


def sync(api: Api, cache: Cache) -> None:
    """Report each node of a node group ready or not, where that is not what the cluster holds."""
    groups = [node for node in cache.all("Node") if NODE_GROUP in (node["metadata"].get("labels") or {})]
    if not groups:
        return
    served = {pod["spec"].get("nodeName") for pod in cache.all("Pod", "kube-system") if _is_plugin(pod)}
    for node in groups:
        name = node["metadata"]["name"]
        held = {each["type"]: each for each in (node.get("status") or {}).get("conditions") or ()}
        if name in served and held.get("Ready", {}).get("status") != "True":
            log.info("node %s is ready", name)
            _report(api, cache, node, ready=True)
        elif name not in served and held.get("Ready", {}).get("status") == "True":
            log.info("node %s has lost its network plugin", name)
            _report(api, cache, node, ready=False)


def _is_plugin(pod: Object) -> bool:
    """A pod of the plugin that serves its node."""
    labels = pod["metadata"].get("labels") or {}
    conditions = (pod.get("status") or {}).get("conditions") or ()
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
    return labels.get(PLUGIN[0]) == PLUGIN[1] and ready and not pod["metadata"].get("deletionTimestamp")


def _report(api: Api, cache: Cache, node: Object, *, ready: bool) -> None:
    status = ready_status({}, "")
    conditions = status["conditions"]
    if not ready:
        conditions = [unready(NO_NETWORK), *(each for each in conditions if each["type"] != "Ready")]
    body = {"status": {"conditions": conditions}}
    try:
        cache.put("Node", api.patch("v1", "Node", node["metadata"]["name"], body=body, subresource="status"))
    except ApiError as error:
        if error.status not in (404, 409):
            raise
