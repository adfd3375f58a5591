"""One disk per kind of object store: what ClickHouse is told about the store, and the environment that opens it.

Each replica keeps its objects below a path of its own. In S3's URLs the operator's macros fill that path in. In Azure's
ClickHouse expands no macros, so the whole URL comes from the pod's environment, which knows the pod's name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from .. import contracts
from ..later import lift
from .xml import FromEnvironment

MACROS = ("installation", "cluster", "shard", "replica")
"""Filled in by the operator for each host, so that no two replicas share a path."""
GOOGLE = "https://storage.googleapis.com"
COREWEAVE = "https://cwobject.com"
AZURE_ENDPOINT = "CLICKHOUSE_AZURE_ENDPOINT"
AZURE_KEY = "CLICKHOUSE_AZURE_KEY"
_ENDPOINT = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+/?")
# what ClickHouse itself takes for a bucket's name; anything else ends the server with no word about the reason
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]")
_CONTAINER = re.compile(r"[a-z0-9]{3,24}/[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_REGION = re.compile(r"[A-Za-z0-9_-]+")


Settings = Mapping[str, "str | FromEnvironment"]


@dataclass(frozen=True, kw_only=True)
class Place:
    """The installation whose replicas write, which names their paths."""

    namespace: pulumi.Input[str]
    installation: str
    cluster: str


@dataclass(frozen=True, kw_only=True)
class Known:
    """A bucket whose values are known."""

    name: str
    region: str
    endpoint: str | None
    kms_key: str | None
    keys: bool
    """Whether keys of a Secret open it; else the identity of the server's ServiceAccount does."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """How ClickHouse is set up for one kind of store."""

    name: str
    """Of the disk. Tables remember it, so it never changes."""
    settings: Callable[[Known, str], Settings]
    """For a bucket and the namespace."""
    environment: Callable[[contracts.Bucket, Place], list[dict[str, Any]]]


def kind(bucket: contracts.Bucket) -> Kind:
    """How `bucket` becomes a disk."""
    return _KINDS[bucket.provider]


def check(bucket: contracts.Bucket) -> None:
    """Raises ValueError, naming the field, for a bucket that no server could be set up for."""
    if bucket.provider not in _KINDS:
        raise ValueError(f"bucket.provider: {bucket.provider!r} is not one of {', '.join(_KINDS)}")
    if isinstance(bucket.endpoint, str):
        check_endpoint(bucket.endpoint)
    if bucket.ca is not None and (bucket.provider != "s3" or bucket.endpoint is None):
        raise ValueError("bucket.ca: only with provider s3 and an endpoint; the clouds' own certificates are believed")
    if bucket.ca is not None and isinstance(bucket.endpoint, str) and not bucket.endpoint.startswith("https://"):
        raise ValueError(f"bucket.ca: {bucket.endpoint!r} shows no certificate; use https, or leave the authority out")
    if isinstance(bucket.name, str):
        _check_name(bucket.provider, bucket.name)
    if isinstance(bucket.region, str) and not _REGION.fullmatch(bucket.region):
        raise ValueError(f"bucket.region: {bucket.region!r} is no name of a region; letters, digits and hyphens")
    if bucket.provider != "s3" and bucket.kms_key is not None:
        raise ValueError(
            f"bucket.kms_key: only with provider s3; with {bucket.provider} set the key on the bucket itself"
        )
    if bucket.provider == "cw" and bucket.keys is None:
        raise ValueError("bucket.keys: CoreWeave's object storage knows no identity of pods; give keys in a Secret")


def _check_name(provider: str, name: str) -> None:
    if provider == "az":
        if not _CONTAINER.fullmatch(name):
            raise ValueError(f"bucket.name: {name!r} is not of the form account/container, as Azure names them")
    elif not _BUCKET.fullmatch(name):
        raise ValueError(f"bucket.name: {name!r} is no name of a bucket; 3 to 63 letters, digits, dots and hyphens")


def check_endpoint(endpoint: str) -> None:
    """Raises ValueError for what is no URL of a host."""
    if not _ENDPOINT.fullmatch(endpoint):
        raise ValueError(f"bucket.endpoint: {endpoint!r} is not of the form https://host or https://host:port")


def s3_url(bucket: str, region: str, endpoint: str | None) -> str:
    """The bucket's URL without a closing slash: path-style on `endpoint`, else AWS's own for the region.

    Raises ValueError for an endpoint that is no `http(s)://host[:port]`.
    """
    if endpoint is not None:
        check_endpoint(endpoint)
        return f"{endpoint.rstrip('/')}/{bucket}"
    domain = f"{region}.amazonaws.com" + (".cn" if region.startswith("cn-") else "")
    # AWS's certificate covers one label in front of s3, so a name with dots is addressed by path
    return f"https://s3.{domain}/{bucket}" if "." in bucket else f"https://{bucket}.s3.{domain}"


def coreweave_url(bucket: str, endpoint: str | None) -> str:
    """The bucket's URL: CoreWeave's stores take the bucket in front of the host only.

    Source: CoreWeave documentation, "Configure Endpoints".
    """
    scheme, _, host = (endpoint or COREWEAVE).rstrip("/").partition("://")
    return f"{scheme}://{bucket}.{host}"


def azure_url(bucket: str, endpoint: str | None) -> str:
    """The container's URL, for `account/container`. `endpoint` is the account's own where it is not in Azure's public cloud."""
    account, _, container = bucket.partition("/")
    return f"{(endpoint or f'https://{account}.blob.core.windows.net').rstrip('/')}/{container}"


def _path(namespace: str) -> str:
    return f"/weave/{namespace}/" + "".join(f"{{{macro}}}/" for macro in MACROS)


def _over_s3(url: str, namespace: str, **own: str) -> Settings:
    return {"type": "s3", "endpoint": url + _path(namespace), **own}


def _s3(bucket: Known, namespace: str) -> Settings:
    url = s3_url(bucket.name, bucket.region, bucket.endpoint)
    encryption = {"server_side_encryption_kms_key_id": bucket.kms_key} if bucket.kms_key else {}
    return _over_s3(url, namespace, region=bucket.region, use_environment_credentials="true", **encryption)


def _coreweave(bucket: Known, namespace: str) -> Settings:
    url = coreweave_url(bucket.name, bucket.endpoint)
    # ClickHouse knows the bucket in front of AWS's own hosts only, and takes `weave` for it here. Reading and writing one
    # object is the same request all the same; deleting many at once is not, and would be tried for ever.
    return _over_s3(
        url, namespace, region=bucket.region, use_environment_credentials="true", support_batch_delete="false"
    )


def _google(bucket: Known, namespace: str) -> Settings:
    url = f"{(bucket.endpoint or GOOGLE).rstrip('/')}/{bucket.name}"
    # without keys a token of the pod's Google service account; ClickHouse knows that client from 25.8 on
    opened = {"use_environment_credentials": "true"} if bucket.keys else {"http_client": "gcp_oauth"}
    return _over_s3(url, namespace, **opened)


def _azure(bucket: Known, namespace: str) -> Settings:
    common: Settings = {
        "type": "azure_blob_storage",
        "endpoint": FromEnvironment(AZURE_ENDPOINT),
        "endpoint_contains_account_name": "false",
        # else ClickHouse makes the container that is missing, and a wrong name goes unnoticed
        "container_already_exists": "true",
    }
    if not bucket.keys:
        return {**common, "use_workload_identity": "true"}
    account = bucket.name.partition("/")[0]
    return {**common, "account_name": account, "account_key": FromEnvironment(AZURE_KEY)}


def _s3_environment(bucket: contracts.Bucket, _: Place) -> list[dict[str, Any]]:
    # the web-identity provider of ClickHouse reads AWS_DEFAULT_REGION only, other parts of the SDK the other one
    regions = [{"name": name, "value": bucket.region} for name in ("AWS_DEFAULT_REGION", "AWS_REGION")]
    return [*regions, *_hmac_keys(bucket)]


def _google_environment(bucket: contracts.Bucket, _: Place) -> list[dict[str, Any]]:
    return _hmac_keys(bucket)


def _hmac_keys(bucket: contracts.Bucket) -> list[dict[str, Any]]:
    if bucket.keys is None:
        return []
    names = {"AWS_ACCESS_KEY_ID": bucket.keys.access_key, "AWS_SECRET_ACCESS_KEY": bucket.keys.secret_key}
    secrets = [_from_secret(name, bucket.keys.name, key) for name, key in names.items()]
    # else a missing key would make the server ask the node for the node's own identity
    return [*secrets, {"name": "AWS_EC2_METADATA_DISABLED", "value": "true"}]


def _azure_environment(bucket: contracts.Bucket, place: Place) -> list[dict[str, Any]]:
    below = f"{place.installation}/{place.cluster}/$(POD_NAME)"
    url = lift(
        lambda name, endpoint, namespace: f"{azure_url(name, endpoint)}/weave/{namespace}/{below}",
        bucket.name,
        bucket.endpoint,
        place.namespace,
    )
    keys = [_from_secret(AZURE_KEY, bucket.keys.name, bucket.keys.access_key)] if bucket.keys else []
    return [
        # Kubernetes fills in only what stands further up
        {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": AZURE_ENDPOINT, "value": url},
        *keys,
    ]


def _from_secret(variable: str, secret: pulumi.Input[str], key: str) -> dict[str, Any]:
    return {"name": variable, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}


_KINDS: Mapping[str, Kind] = {
    "s3": Kind(name="s3_disk", settings=_s3, environment=_s3_environment),
    "gcs": Kind(name="s3_disk", settings=_google, environment=_google_environment),
    "cw": Kind(name="s3_disk", settings=_coreweave, environment=_s3_environment),
    "az": Kind(name="az_disk", settings=_azure, environment=_azure_environment),
}
