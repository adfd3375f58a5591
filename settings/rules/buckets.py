"""Rules about buckets that the user brings: of W&B, of ClickHouse, and of its backups."""

from __future__ import annotations

import re
from collections.abc import Callable

from ..clickhouse import ManagedClickHouse
from ..identity import WorkloadIdentity
from ..lenient import UNDECIDABLE
from ..model import Settings
from ..problems import problem
from ..stores import Bucket, ClickHouseBucket, ExternalObjectStore, InClusterObjectStore
from ..surface import full
from .registry import Problems, given, rule

AnyBucket = Bucket | ClickHouseBucket
Check = Callable[[str, AnyBucket], Problems]

_AZURE_LABEL = "azure.workload.identity/use"
_OF_A_CLOUD = {"role_arn": ("roleArn", "s3"), "google_service_account": ("googleServiceAccount", "gcs")} | {
    "azure_client_id": ("azureClientId", "az")
}
"""Keys of an identity, and the provider that knows it."""
# what ClickHouse takes for a bucket's name; anything else ends the server with no word about the reason
_CLICKHOUSE_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]")
_CONTAINER = re.compile(r"[a-z0-9]{3,24}/[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_REGION = re.compile(r"[A-Za-z0-9_-]+")


def _wandb(settings: Settings) -> AnyBucket | None:
    store = settings.object_store
    return store.bucket if isinstance(store, ExternalObjectStore) else None


def _clickhouse(settings: Settings) -> AnyBucket | None:
    store = settings.object_store
    return store.clickhouse_bucket if isinstance(store, ExternalObjectStore) else None


def _backups(settings: Settings) -> AnyBucket | None:
    made = settings.managed_clickhouse
    return made.backup.bucket if made and made.backup else None


WANDB, CLICKHOUSE, BACKUPS = "objectStore.bucket", "objectStore.clickhouseBucket", "clickhouse.backup.bucket"
_FOUND = {WANDB: _wandb, CLICKHOUSE: _clickhouse, BACKUPS: _backups}


def _of(*paths: str) -> Callable[[Check], Check]:
    """Makes a rule of a check for each of these buckets, so that a wrong key of one hides nothing about another."""

    def register(check: Check) -> Check:
        for path in paths:
            rule(_one(path, check))
        return check

    return register


def _one(path: str, check: Check) -> Callable[[Settings], Problems]:
    def judge(settings: Settings) -> Problems:
        bucket = _FOUND[path](settings)
        if bucket is not None:
            yield from check(path, bucket)

    return judge


@rule
def _clickhouse_has_one(settings: Settings) -> Problems:
    store = settings.object_store
    managed = isinstance(settings.clickhouse, ManagedClickHouse)
    if isinstance(store, ExternalObjectStore) and managed and store.clickhouse_bucket is None:
        yield problem(
            CLICKHOUSE,
            "is missing, and ClickHouse keeps its data there",
            "Give a bucket of its own, or use an external ClickHouse.",
        )


@rule
def _clickhouse_shares_none(settings: Settings) -> Problems:
    first, second = _wandb(settings), _clickhouse(settings)
    if first is not None and second is not None and _same(first, second):
        yield problem(
            f"{CLICKHOUSE}.name",
            f"is W&B's bucket too (got {second.name})",
            "Give ClickHouse a bucket of its own: its keys and its clean-up must not reach W&B's files.",
        )


@rule
def _backups_share_none(settings: Settings) -> Problems:
    backups = _backups(settings)
    for path in (WANDB, CLICKHOUSE):
        other = _FOUND[path](settings)
        if backups is not None and other is not None and _same(other, backups):
            yield problem(
                f"{BACKUPS}.name",
                f"is `{path}` too (got {backups.name})",
                "Give another bucket, best in another account: a backup must outlive what it is of.",
            )


def _same(one: AnyBucket, other: AnyBucket) -> bool:
    return (one.provider, one.endpoint, one.name) == (other.provider, other.endpoint, other.name)


@_of(WANDB, CLICKHOUSE, BACKUPS)
def _endpoint(path: str, bucket: AnyBucket) -> Problems:
    if bucket.endpoint is None:
        return
    if bucket.provider != "s3":
        yield problem(
            f"{path}.endpoint",
            f"is given, and `provider` is {bucket.provider}, which has its own",
            "Remove it; for an S3-compatible store use provider s3.",
        )
    if bucket.keys_secret is None:
        yield problem(
            f"{path}.keysSecret",
            "is missing, and a store with an endpoint of its own knows no cloud identity",
            "Name a Secret with the access key and the secret key.",
        )
    if given(bucket.kms_key):
        yield problem(f"{path}.kmsKey", "is given for an S3-compatible store, which has none", "Remove it.")


@_of(WANDB, CLICKHOUSE, BACKUPS)
def _container(path: str, bucket: AnyBucket) -> Problems:
    if bucket.provider is UNDECIDABLE or bucket.name is UNDECIDABLE:
        return
    if bucket.provider == "az" and "/" not in bucket.name:
        yield problem(f"{path}.name", f"names no container (got {bucket.name})", "Write it as `account/container`.")
    if bucket.provider != "az" and "/" in bucket.name:
        yield problem(f"{path}.name", f"has a path (got {bucket.name})", "Give the name of the bucket alone.")


@_of(CLICKHOUSE, BACKUPS)
def _clickhouse_takes(path: str, bucket: AnyBucket) -> Problems:
    if bucket.provider == "az":
        if "/" in bucket.name and not _CONTAINER.fullmatch(bucket.name):
            right = "An account has 3 to 24 letters and digits, a container 3 to 63 with hyphens, both in lower case."
            yield problem(f"{path}.name", f"is no account and container of Azure (got {bucket.name})", right)
    elif "/" not in bucket.name and not _CLICKHOUSE_NAME.fullmatch(bucket.name):
        right = "ClickHouse wants 3 to 63 lower-case letters, digits, `.`, `_` and `-`, ending with a letter or digit."
        yield problem(f"{path}.name", f"is not taken for a bucket by ClickHouse (got {bucket.name})", right)
    if bucket.provider != "s3" and given(bucket.kms_key):
        yield problem(
            f"{path}.kmsKey",
            f"is given, and `provider` is {bucket.provider}: ClickHouse names a key to Amazon S3 alone",
            "Remove it, and set the key on the bucket itself.",
        )


@_of(CLICKHOUSE, BACKUPS)
def _region(path: str, bucket: AnyBucket) -> Problems:
    if bucket.region is not UNDECIDABLE and not _REGION.fullmatch(bucket.region):
        yield problem(
            f"{path}.region", f"is not the name of a region (got {bucket.region})", "Use letters, digits and hyphens."
        )


@_of(CLICKHOUSE, BACKUPS)
def _authority(path: str, bucket: AnyBucket) -> Problems:
    if not isinstance(bucket, ClickHouseBucket) or bucket.ca_secret is None:
        return
    if bucket.provider != "s3" or bucket.endpoint is None:
        yield problem(
            f"{path}.caSecret",
            "is given without an endpoint of an S3-compatible store: the clouds' own certificates are believed",
            f"Remove it, or give `{path.rpartition('.')[2]}.endpoint`.",
        )
    elif not bucket.endpoint.startswith("https://"):
        yield problem(
            f"{path}.caSecret",
            f"is given, and the endpoint shows no certificate (got {bucket.endpoint})",
            "Use https, or remove it.",
        )


@_of(WANDB, CLICKHOUSE, BACKUPS)
def _one_way_in(path: str, bucket: AnyBucket) -> Problems:
    identity = bucket.identity
    if identity is None:
        return
    if bucket.keys_secret is not None:
        yield problem(
            f"{path}.identity", "is given, and `keysSecret` too", "Keep one: with keys, nobody asks who the pods are."
        )
    for name, (key, provider) in _OF_A_CLOUD.items():
        if getattr(identity, name) is not None and bucket.provider != provider:
            yield problem(
                f"{path}.identity.{key}",
                f"is given, and `provider` is {bucket.provider}, which does not know it",
                "Remove it, or correct the provider.",
            )


@_of(WANDB, CLICKHOUSE, BACKUPS)
def _azure_knows_the_pods(path: str, bucket: AnyBucket) -> Problems:
    if bucket.provider == "az" and bucket.keys_secret is None and not _azure(bucket.identity):
        yield problem(
            f"{path}.identity.azureClientId",
            "is missing, and no keys are given: Azure gives pods no identity that they do not ask for",
            "Give the client id of a managed identity that may open the container, or `keysSecret`.",
        )


def _azure(identity: WorkloadIdentity | None) -> bool:
    return identity is not None and (identity.azure_client_id is not None or _AZURE_LABEL in identity.pod_labels)


@_of(WANDB)
def _wandb_keys(path: str, bucket: AnyBucket) -> Problems:
    if bucket.provider == "gcs" and bucket.keys_secret is not None:
        yield problem(
            f"{path}.keysSecret",
            "is given, and W&B opens a Google bucket by the identity of its pods alone",
            "Remove it; for HMAC keys use provider s3 with the endpoint https://storage.googleapis.com.",
        )


@_of(CLICKHOUSE)
def _coreweave_keys(path: str, bucket: AnyBucket) -> Problems:
    if bucket.provider == "cw" and bucket.keys_secret is None:
        yield problem(
            f"{path}.keysSecret",
            "is missing, and CoreWeave's object storage knows no identity of pods",
            "Name a Secret with the access key and the secret key.",
        )


@_of(BACKUPS)
def _backups_can_be_listed(path: str, bucket: AnyBucket) -> Problems:
    if bucket.provider == "cw":
        yield problem(
            f"{path}.provider",
            "is cw, where ClickHouse can list and delete no objects, so old backups would never go (got cw)",
            "Use s3, gcs or az, or an S3-compatible store with an endpoint.",
        )


@rule
def _identity_of_the_target(settings: Settings) -> Problems:
    for path in (WANDB, CLICKHOUSE):
        bucket = _FOUND[path](settings)
        if settings.target == "aws" and bucket is not None and bucket.identity is not None:
            yield problem(
                f"{path}.identity",
                "has no meaning where `target` is aws: the stack makes a role that opens the bucket",
                "Remove it; a bucket of another cloud is opened with `keysSecret`.",
            )


@rule
def _servers_write_backups(settings: Settings) -> Problems:
    """What the servers would show a bucket for backups that has no keys of its own."""
    backups, own = _backups(settings), _clickhouse(settings)
    if backups is None or backups.keys_secret is not None or backups.endpoint is not None:
        return
    made_here = isinstance(settings.object_store, InClusterObjectStore)
    keys_of_another = own is not None and own.keys_secret is not None and (own.provider != "s3" or own.endpoint)
    if backups.provider == "s3" and (made_here or keys_of_another):
        yield problem(
            f"{BACKUPS}.keysSecret",
            "is missing, and the servers, which write the backups, have keys of another store in their place",
            "Name a Secret with keys that may write there.",
        )
    if backups.provider == "az" and (own is None or own.provider != "az" or own.keys_secret is not None):
        yield problem(
            f"{BACKUPS}.keysSecret",
            "is missing, and the servers, which write the backups, have no identity in Azure",
            f"Name a Secret with the account's key, or open `{full(CLICKHOUSE)}` by identity too.",
        )


@rule
def _one_authority(settings: Settings) -> Problems:
    own, backups = _clickhouse(settings), _backups(settings)
    if not isinstance(own, ClickHouseBucket) or not isinstance(backups, ClickHouseBucket):
        return
    if own.ca_secret is not None and backups.ca_secret is not None and own.ca_secret != backups.ca_secret:
        yield problem(
            f"{BACKUPS}.caSecret",
            "is another Secret than that of `objectStore.clickhouseBucket`, and the servers read one",
            "Put both certificates below each other into one key, and name it in both places.",
        )
