"""Where ClickHouse keeps its data: MergeTree parts in the bucket, everything else on the local volume.

The map from parts to objects is on the volume alone (`metadata_path`), so the bucket cannot be restored without the
volume. On an existing installation the endpoint, `metadata_path` and the names of disks and policy must never change:
tables remember them.
"""

from __future__ import annotations

import pulumi

from .. import contracts
from ..later import lift
from . import disks, xml

POLICY = "s3_main"
DATA = "/var/lib/clickhouse"


def configuration(bucket: contracts.Bucket, namespace: pulumi.Input[str], cache_gib: int) -> pulumi.Input[str]:
    """`config.d/storage_configuration.xml`: the disk, its cache of `cache_gib` GiB, and the policy for every table.

    Raises ValueError for a bucket that no server could be set up for.
    """
    disks.check(bucket)
    kind, keys = disks.kind(bucket), bucket.keys is not None

    def rendered(name: str, region: str, endpoint: str | None, kms_key: str | None, space: str) -> str:
        known = disks.Known(name=name, region=region, endpoint=endpoint, kms_key=kms_key, keys=keys)
        return policy(kind.name, kind.settings(known, space), cache_gib)

    return lift(rendered, bucket.name, bucket.region, bucket.endpoint, bucket.kms_key, namespace)


def policy(name: str, settings: disks.Settings, cache_gib: int) -> str:
    """The XML: disk `name` with `settings`, its cache, and the policy as every table's default."""
    disk = {
        **settings,
        "metadata_path": f"{DATA}/disks/{name}/",
        # a wrong bucket or key stops the server at once instead of failing the first insert
        "skip_access_check": "false",
        **(_S3_PATIENCE if settings["type"] == "s3" else {}),
    }
    cache = {
        "type": "cache",
        "disk": name,
        "path": f"{DATA}/{name}_cache/cache/",
        "max_size": f"{cache_gib}Gi",
        "cache_on_write_operations": "true",
    }
    return xml.text(
        {
            "storage_configuration": {
                "disks": {name: disk, f"{name}_cache": cache},
                "policies": {POLICY: {"volumes": {"main": {"disk": f"{name}_cache"}}}},
            },
            # every table gets the policy, because W&B's migrations name none; with zero-copy replication off, each
            # replica has objects of its own
            "merge_tree": {"storage_policy": POLICY, "allow_remote_fs_zero_copy_replication": "0"},
        }
    )


_S3_PATIENCE = {
    "connect_timeout_ms": "5000",
    "request_timeout_ms": "30000",
    # 500 by default: a query would hang for an hour before it says that the bucket cannot be reached
    "retry_attempts": "20",
}
