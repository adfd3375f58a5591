"""Volumes: every provisioner of the cluster, played. A volume is an object only; no bytes are stored."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from ..api import Api, ApiError
from . import ebs
from .cache import Cache

Object = Mapping[str, Any]
log = logging.getLogger(__name__)

_SELECTED_NODE = "volume.kubernetes.io/selected-node"
_PROVISIONER = "volume.kubernetes.io/storage-provisioner"
_PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
_ZONE = "topology.kubernetes.io/zone"
_STATIC = "kubernetes.io/no-provisioner"
_GONE = ("kubernetes.io/aws-ebs",)
"""In-tree provisioners: nobody answers to them any more."""
KINDS = (
    ("v1", "PersistentVolumeClaim"),
    ("v1", "PersistentVolume"),
    ("storage.k8s.io/v1", "StorageClass"),
    ("v1", "Node"),
    *ebs.KINDS,
)


def volume_for(claim: Object, storage_class: Object, node: Object | None) -> dict[str, Any] | None:
    """The PersistentVolume that the class's provisioner would make for a pending claim; None while it must not yet.

    A class that waits for the first consumer makes its volume in the zone of the node that the scheduler chose.
    """
    annotations = claim["metadata"].get("annotations") or {}
    provisioner = storage_class["provisioner"]
    waits = storage_class.get("volumeBindingMode") == "WaitForFirstConsumer"
    if provisioner == _STATIC or annotations.get(_PROVISIONER) != provisioner or (waits and node is None):
        return None
    name = f"pvc-{claim['metadata']['uid']}"
    spec: dict[str, Any] = {
        "capacity": {"storage": claim["spec"]["resources"]["requests"]["storage"]},
        "accessModes": claim["spec"]["accessModes"],
        "volumeMode": claim["spec"].get("volumeMode", "Filesystem"),
        "storageClassName": storage_class["metadata"]["name"],
        "persistentVolumeReclaimPolicy": storage_class.get("reclaimPolicy", "Delete"),
        "hostPath": {"path": f"/rehearsal/{name}"},
        "claimRef": {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "namespace": claim["metadata"]["namespace"],
            "name": claim["metadata"]["name"],
            "uid": claim["metadata"]["uid"],
        },
    }
    zone = ((node or {}).get("metadata", {}).get("labels") or {}).get(_ZONE)
    if zone:
        term = {"matchExpressions": [{"key": _ZONE, "operator": "In", "values": [zone]}]}
        spec["nodeAffinity"] = {"required": {"nodeSelectorTerms": [term]}}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name, "annotations": {_PROVISIONED_BY: provisioner}},
        "spec": spec,
    }


def sync(api: Api, cache: Cache, driver: ebs.Driver) -> None:
    """Make volumes for claims that wait for one, grow those whose claim grew, drop released ones of reclaim policy Delete."""
    classes = {one["metadata"]["name"]: one for one in cache.all("StorageClass")}
    for claim in cache.all("PersistentVolumeClaim"):
        storage_class = classes.get(claim["spec"].get("storageClassName") or "")
        if storage_class is None or claim["metadata"].get("deletionTimestamp"):
            continue
        if claim["spec"].get("volumeName"):
            _grow(api, cache, claim, storage_class, driver)
            continue
        chosen = (claim["metadata"].get("annotations") or {}).get(_SELECTED_NODE)
        node = cache.get("Node", chosen) if chosen else None
        volume = volume_for(claim, storage_class, node)
        if volume is None or cache.get("PersistentVolume", volume["metadata"]["name"]) is not None:
            continue
        if storage_class["provisioner"] == ebs.DRIVER:
            if (source := driver.source(claim, storage_class, node)) is None:
                continue
            del volume["spec"]["hostPath"]
            volume["spec"]["csi"] = source
        elif storage_class["provisioner"] in _GONE:
            continue
        _create(api, cache, volume)
    for volume in cache.all("PersistentVolume"):
        released = (volume.get("status") or {}).get("phase") == "Released"
        ours = _PROVISIONED_BY in (volume["metadata"].get("annotations") or {})
        delete = volume["spec"].get("persistentVolumeReclaimPolicy") == "Delete"
        if ours and released and delete and not volume["metadata"].get("deletionTimestamp"):
            if "csi" in volume["spec"] and not driver.delete(volume):
                continue
            log.info("deleting released volume %s", volume["metadata"]["name"])
            api.delete("v1", "PersistentVolume", volume["metadata"]["name"], propagation="Background")


def _create(api: Api, cache: Cache, volume: dict[str, Any]) -> None:
    claim = volume["spec"]["claimRef"]
    log.info("volume %s for claim %s/%s", volume["metadata"]["name"], claim["namespace"], claim["name"])
    try:
        cache.put("PersistentVolume", api.create(volume))
    except ApiError as error:
        if error.status != 409:
            raise


def _grow(api: Api, cache: Cache, claim: Object, storage_class: Object, driver: ebs.Driver) -> None:
    asked = claim["spec"]["resources"]["requests"]["storage"]
    status = claim.get("status") or {}
    held = (status.get("capacity") or {}).get("storage")
    if status.get("phase") != "Bound" or held in (None, asked) or not storage_class.get("allowVolumeExpansion"):
        return
    name, namespace = claim["metadata"]["name"], claim["metadata"]["namespace"]
    volume = cache.get("PersistentVolume", claim["spec"]["volumeName"]) or {}
    if "csi" in (volume.get("spec") or {}) and not driver.resized(volume, asked):
        return
    log.info("growing claim %s/%s from %s to %s", namespace, name, held, asked)
    api.patch("v1", "PersistentVolume", claim["spec"]["volumeName"], body={"spec": {"capacity": {"storage": asked}}})
    body = {"status": {"capacity": {"storage": asked}, "conditions": []}}
    cache.put(
        "PersistentVolumeClaim",
        api.patch("v1", "PersistentVolumeClaim", name, namespace, body=body, subresource="status"),
    )
