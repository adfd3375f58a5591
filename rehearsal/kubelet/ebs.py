"""The EBS CSI driver, played where its add-on runs: volumes of the account, each in a zone.

A volume is a record of the account and an object of the cluster; no bytes are stored, and nothing is attached: the
scheduler alone keeps pods in their volumes' zone, and within what a machine can attach. Sources: the driver's parameters
(`docs/parameters.md` of aws-ebs-csi-driver), EBS's limits of size and zone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from ..api import Api
from ..aws.account import Account, Record
from ..aws.eks.machines import volume_limit
from ..aws.eks.tokens import CLUSTER, VOLUME
from .cache import Cache
from .events import Events

Object = Mapping[str, Any]

DRIVER = "ebs.csi.aws.com"
ZONE = "topology.kubernetes.io/zone"
KINDS = (
    ("storage.k8s.io/v1", "CSIDriver"),
    ("storage.k8s.io/v1", "CSINode"),
)
_CONTROLLER, _NODE = ("app", "ebs-csi-controller"), ("app", "ebs-csi-node")
_SIZE = re.compile(r"(\d+)(Gi|Ti|Mi|)")
_UNITS = {"": 1 / 2**30, "Mi": 1 / 1024, "Gi": 1, "Ti": 1024}


class Driver:
    """Provisioner and resizer, as far as a cluster can see them."""

    def __init__(self, api: Api, cache: Cache, account: Account, events: Events) -> None:
        self._api = api
        self._cache = cache
        self._account = account
        self._events = events

    @property
    def running(self) -> bool:
        """Whether a controller of the add-on is ready."""
        return self._cache.get("CSIDriver", DRIVER) is not None and bool(self._ready(_CONTROLLER))

    def sync(self) -> None:
        """Register the driver on the nodes where it runs."""
        if self._cache.get("CSIDriver", DRIVER) is None:
            return
        for name in {pod["spec"]["nodeName"] for pod in self._ready(_NODE)}:
            self._register(name)

    def source(self, claim: Object, storage_class: Object, node: Object | None) -> dict[str, Any] | None:
        """Make the volume: the `csi` source of its PersistentVolume. None while the driver cannot."""
        if not self.running:
            return None
        if node is not None and not self._registered(node["metadata"]["name"]):
            return None
        parameters = storage_class.get("parameters") or {}
        key = parameters.get("kmsKeyId")
        if key and not self._account.find("aws:kms/key:Key", arn=key) and not self._account.get("aws:kms/key:Key", key):
            why = f"failed to provision volume: InvalidKmsKey.NotFound: the key {key} does not exist"
            self._events.warn(claim, "ProvisioningFailed", why)
            return None
        zone = ((node or {}).get("metadata", {}).get("labels") or {}).get(ZONE, "")
        volume = f"vol-{hashlib.sha256(claim['metadata']['uid'].encode()).hexdigest()[:17]}"
        cluster = next(iter(self._account.all(CLUSTER)), None)
        tags = {
            "kubernetes.io/created-for/pvc/name": claim["metadata"]["name"],
            "kubernetes.io/created-for/pvc/namespace": claim["metadata"]["namespace"],
            f"kubernetes.io/cluster/{cluster['name'] if cluster else ''}": "owned",
        }
        outputs = {
            "id": volume,
            "availabilityZone": zone,
            "size": gib(claim["spec"]["resources"]["requests"]["storage"]),
            "type": parameters.get("type", "gp3"),
            "encrypted": parameters.get("encrypted") == "true",
            "kmsKeyId": key or "",
            "tags": tags,
            "reclaimPolicy": storage_class.get("reclaimPolicy", "Delete"),
        }
        region = cluster.region if cluster else ""
        self._account.put(Record(token=VOLUME, id=volume, region=region, outputs=outputs))
        return {
            "driver": DRIVER,
            "volumeHandle": volume,
            "fsType": parameters.get("csi.storage.k8s.io/fstype", "ext4"),
            "volumeAttributes": {"storage.kubernetes.io/csiProvisionerIdentity": DRIVER},
        }

    def resized(self, volume: Object, asked: str) -> bool:
        """Make the volume larger; False while the driver cannot."""
        handle = ((volume.get("spec") or {}).get("csi") or {}).get("volumeHandle", "")
        found = self._account.get(VOLUME, handle)
        if not self.running or found is None:
            return False
        outputs = {**found.outputs, "size": gib(asked)}
        self._account.put(Record(token=VOLUME, id=handle, region=found.region, outputs=outputs))
        return True

    def delete(self, volume: Object) -> bool:
        """Delete the volume of a released PersistentVolume; False while the driver cannot."""
        if not self.running:
            return False
        self._account.delete(VOLUME, volume["spec"]["csi"]["volumeHandle"])
        return True

    def _ready(self, label: tuple[str, str]) -> list[Object]:
        return [
            pod
            for pod in self._cache.all("Pod", "kube-system")
            if (pod["metadata"].get("labels") or {}).get(label[0]) == label[1] and _is_ready(pod)
        ]

    def _registered(self, node: str) -> bool:
        found = self._cache.get("CSINode", node) or {}
        return any(each["name"] == DRIVER for each in (found.get("spec") or {}).get("drivers") or ())

    def _register(self, name: str) -> None:
        node = self._cache.get("Node", name)
        if node is None or self._registered(name):
            return
        kind = (node["metadata"].get("labels") or {}).get("node.kubernetes.io/instance-type", "")
        driver = {
            "name": DRIVER,
            "nodeID": node["spec"].get("providerID", "").rpartition("/")[2] or name,
            "topologyKeys": [ZONE],
            "allocatable": {"count": volume_limit(kind) if kind else 25},
        }
        owner = {"apiVersion": "v1", "kind": "Node", "name": name, "uid": node["metadata"]["uid"]}
        obj = {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "CSINode",
            "metadata": {"name": name, "ownerReferences": [owner]},
            "spec": {"drivers": [driver]},
        }
        self._cache.put("CSINode", self._api.apply(obj, field_manager="kubelet"))


def gib(quantity: str) -> int:
    """Whole GiB of a quantity, rounded up, as EBS makes volumes."""
    found = _SIZE.fullmatch(quantity)
    if found is None:
        raise ValueError(f"{quantity} is no size of a volume that the stand-in reads")
    return max(1, -int(-int(found[1]) * _UNITS[found[2]] // 1))


def _is_ready(pod: Object) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
