"""The class of every volume in the cluster."""

from __future__ import annotations

from typing import Any

import pulumi
from pulumi_kubernetes import Provider
from pulumi_kubernetes.storage.v1 import StorageClass

PROVISIONER = "ebs.csi.aws.com"


def storage_class(
    name: str,
    *,
    class_name: str,
    key_arn: pulumi.Input[str],
    provider: Provider,
    parent: pulumi.Resource,
) -> StorageClass:
    """The cluster's default StorageClass: gp3 volumes, encrypted with `key_arn`, which grow and outlive their claims."""
    made = manifest(class_name, key_arn)
    return StorageClass(
        name,
        metadata=made["metadata"],
        provisioner=made["provisioner"],
        parameters=made["parameters"],
        volume_binding_mode=made["volumeBindingMode"],
        allow_volume_expansion=made["allowVolumeExpansion"],
        reclaim_policy=made["reclaimPolicy"],
        opts=pulumi.ResourceOptions(parent=parent, provider=provider),
    )


def manifest(class_name: str, key_arn: pulumi.Input[str]) -> dict[str, Any]:
    """The StorageClass. What a class says is fixed for life: a change replaces the class, and no volume that it made."""
    return {
        "metadata": {
            "name": class_name,
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
        },
        "provisioner": PROVISIONER,
        "parameters": {"type": "gp3", "encrypted": "true", "kmsKeyId": key_arn},
        # a volume belongs to one zone: it is made in its pod's
        "volumeBindingMode": "WaitForFirstConsumer",
        "allowVolumeExpansion": True,
        "reclaimPolicy": "Retain",
    }
