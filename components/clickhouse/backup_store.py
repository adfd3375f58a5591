"""Where backups lie: the disk by which the servers write them, and how their Job lists and deletes them.

The servers write through a disk of their own configuration, `BACKUP ... TO Disk('backups', ...)`, because then no key is in
SQL, in a log or in the backup, nobody who may make backups gets the server's identity for another store, and versions that
refuse SQL this identity (those with `s3_allow_server_credentials_in_user_queries`) do not refuse this. The objects have the names of the backup's files, so the store
needs nothing else to be read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from .. import contracts
from ..later import lift
from . import authority, disks, xml
from .xml import FromEnvironment

DISK = "backups"
FILE = "config.d/backups.xml"
SHARD = "0"
KEY = "CLICKHOUSE_BACKUP_KEY"
SECRET = "CLICKHOUSE_BACKUP_SECRET"
PROVIDERS = ("s3", "gcs", "az")


@dataclass(frozen=True, kw_only=True)
class Root:
    """Where in the bucket the backups of one installation lie: nobody else's are there."""

    place: disks.Place
    prefix: str = "clickhouse-backup"

    def path(self, namespace: str) -> str:
        """Below the bucket, with a closing slash, without the shard."""
        return f"{self.prefix}/{namespace}/{self.place.installation}/{self.place.cluster}/"


def check(bucket: contracts.Bucket) -> None:
    """Raises ValueError, naming the field, for a bucket that can hold no backups."""
    disks.check(bucket)
    if bucket.provider not in PROVIDERS:
        raise ValueError(
            f"bucket.provider: {bucket.provider!r} cannot be listed by ClickHouse, which takes the bucket in front of the "
            f"host for none; backups need one of {', '.join(PROVIDERS)}"
        )


def configuration(bucket: contracts.Bucket, root: Root) -> pulumi.Input[str]:
    """`config.d/backups.xml` of the servers: the disk, and that backups go nowhere else, one at a time."""

    def rendered(known: disks.Known, path: str) -> str:
        disk = {
            "type": "object_storage",
            "object_storage_type": "azure_blob_storage" if bucket.provider == "az" else "s3",
            "metadata_type": "plain",
            "endpoint": f"{_url(bucket.provider, known)}/{path}",
            **_opened(bucket.provider, known),
            # a store of backups that is away must not keep the servers from starting
            "skip_access_check": "true",
            **({} if bucket.provider == "az" else _PATIENCE),
        }
        alone = {"allow_concurrent_backups": "false", "allow_concurrent_restores": "false"}
        return xml.text({"storage_configuration": {"disks": {DISK: disk}}, "backups": {"allowed_disk": DISK, **alone}})

    return _lift(rendered, bucket, root)


def server_environment(bucket: contracts.Bucket) -> list[dict[str, Any]]:
    """What the servers' pods need for the disk, beside what their own bucket needs.

    With keys, these alone open it. Without, the servers' identity does, or on S3 the keys of their own bucket.
    """
    return _keys(bucket, {KEY: "access_key"} if bucket.provider == "az" else {KEY: "access_key", SECRET: "secret_key"})


def job_configuration(bucket: contracts.Bucket, root: Root) -> pulumi.Input[str]:
    """The configuration of the `clickhouse-local` that lists and deletes backups, opened by the Job's own identity."""
    # the same trust as the servers have
    trust = {"openSSL": {"client": _trust()}} if bucket.ca is not None else {}

    def rendered(known: disks.Known, path: str) -> str:
        if bucket.provider == "az":
            # a local engine reads no named collection from its configuration: see `_ends`
            return xml.text(trust)
        endpoint = {"endpoint": f"{_url(bucket.provider, known)}/{path}", **_opened(bucket.provider, known)}
        return xml.text({"s3": {DISK: endpoint}, **trust})

    return _lift(rendered, bucket, root)


def job_environment(bucket: contracts.Bucket, root: Root) -> list[dict[str, Any]]:
    """What the Job's pod needs to reach the store, and what its scripts have to know about it.

    `LISTING` is the table function that lists the backups of the shard, `ENGINE_BEFORE`, `ENGINE_AFTER` the table engine of one
    object, whose name between them is encoded as in a URL where `ENCODED` is 1.
    """
    regions = ("AWS_DEFAULT_REGION", "AWS_REGION") if bucket.provider == "s3" else ()
    function, engine = ("azureBlobStorage", "AzureBlobStorage") if bucket.provider == "az" else ("s3", "S3")

    def ends(known: disks.Known, path: str) -> tuple[str, str]:
        return _ends(bucket.provider, known, f"{path}{SHARD}/")

    values = {
        "CONFIGURATION": job_configuration(bucket, root),
        "DISK": DISK,
        "SHARD": SHARD,
        "ROOT": _lift(lambda _, path: f"{path}{SHARD}/", bucket, root),
        "LISTING": _lift(lambda known, path: f"{function}{'**'.join(ends(known, path))}", bucket, root),
        "ENGINE_BEFORE": _lift(lambda known, path: f"{engine}{ends(known, path)[0]}", bucket, root),
        "ENGINE_AFTER": _lift(lambda known, path: ends(known, path)[1], bucket, root),
        "ENCODED": "0" if bucket.provider == "az" else "1",
        **dict.fromkeys(regions, bucket.region),
    }
    # Kubernetes fills in only what stands further up
    return [*server_environment(bucket), *({"name": name, "value": value} for name, value in values.items())]


def _ends(provider: str, known: disks.Known, path: str) -> tuple[str, str]:
    """The arguments of a table function or engine before and behind what is below `path`."""
    url = _url(provider, known)
    if provider != "az":
        return f"('{url}/{path}", "', 'One')"
    account, _, container = url.rpartition("/")
    # the key is filled in by Kubernetes, in the environment that holds it anyway
    key = f"'{known.name.partition('/')[0]}', '$({KEY})', " if known.keys else ""
    return f"('{account}', '{container}', '{path}", f"', {key}'One')"


def _trust() -> dict[str, str]:
    return {"caConfig": f"{authority.FOLDER}/ca.crt", "loadDefaultCAFile": "true"}


def _url(provider: str, known: disks.Known) -> str:
    return _URLS[provider](known)


def _opened(provider: str, known: disks.Known) -> Mapping[str, str | FromEnvironment]:
    """The settings of the disk that say who opens it, and with what encryption."""
    settings = dict(disks.kind(_provided(provider)).settings(known, "any"))
    for name in ("type", "endpoint"):
        settings.pop(name)
    if not known.keys:
        return settings
    if provider == "az":
        return settings | {"account_key": FromEnvironment(KEY)}
    settings.pop("use_environment_credentials", None)
    return settings | {"access_key_id": FromEnvironment(KEY), "secret_access_key": FromEnvironment(SECRET)}


def _provided(provider: Any) -> contracts.Bucket:
    return contracts.Bucket(provider=provider, name="", region="")


def _keys(bucket: contracts.Bucket, variables: Mapping[str, str]) -> list[dict[str, Any]]:
    keys = bucket.keys
    if keys is None:
        return []
    return [
        {"name": variable, "valueFrom": {"secretKeyRef": {"name": keys.name, "key": getattr(keys, which)}}}
        for variable, which in variables.items()
    ]


def _lift(rendered: Callable[[disks.Known, str], str], bucket: contracts.Bucket, root: Root) -> pulumi.Input[str]:
    keys = bucket.keys is not None

    def known(name: str, region: str, endpoint: str | None, kms_key: str | None, namespace: str) -> str:
        opened = disks.Known(name=name, region=region, endpoint=endpoint, kms_key=kms_key, keys=keys)
        return rendered(opened, root.path(namespace))

    return lift(known, bucket.name, bucket.region, bucket.endpoint, bucket.kms_key, root.place.namespace)


_URLS: Mapping[str, Callable[[disks.Known], str]] = {
    "s3": lambda known: disks.s3_url(known.name, known.region, known.endpoint),
    "gcs": lambda known: f"{(known.endpoint or disks.GOOGLE).rstrip('/')}/{known.name}",
    "az": lambda known: disks.azure_url(known.name, known.endpoint),
}
_PATIENCE = {"connect_timeout_ms": "5000", "request_timeout_ms": "30000", "retry_attempts": "20"}
"""As for the servers' own bucket: 500 attempts, the default, would hang for an hour."""
