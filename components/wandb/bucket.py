"""W&B's view of a bucket: the values of `global.bucket`, and the environment where users cannot reach it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from .. import contracts
from ..later import lift

PROXY_ENVIRONMENT = {
    "BUCKET_PROXY": "true",
    "GORILLA_FILE_STORE_IS_PROXIED": "true",
    "GORILLA_GLUE_FILE_STORE_IS_PROXIED": "true",
}
"""Makes W&B hand files through itself. The three together, as in the chart's own test configurations."""


def bucket_values(bucket: contracts.Bucket) -> dict[str, Any]:
    """`global.bucket`: the whole block, so that nobody can point W&B at another bucket in its console.

    An S3-compatible store is addressed as `host:port` with the bucket in the path, and says there whether it speaks TLS:
    without that W&B would speak plain HTTP. For Azure the name is `account/container`, and the account stands alone.

    Raises ValueError for an endpoint of a provider other than S3, or where a plain endpoint or name is malformed.
    """
    values: dict[str, Any] = {"provider": bucket.provider, "region": bucket.region}
    if bucket.endpoint is not None:
        if bucket.provider != "s3":
            raise ValueError(f"bucket: provider {bucket.provider} has no endpoint of its own; use s3, or leave it out")
        values["name"] = lift(endpoint_address, bucket.endpoint)
        values["path"] = lift(endpoint_path, bucket.endpoint, bucket.name)
    elif bucket.provider == "az":
        values["name"] = lift(azure_account, bucket.name)
        values["path"] = lift(azure_container, bucket.name)
    else:
        values["name"] = bucket.name
    if bucket.kms_key is not None:
        values["kmsKey"] = bucket.kms_key
    if bucket.keys is not None:
        values["secret"] = {
            "secretName": bucket.keys.name,
            "accessKeyName": bucket.keys.access_key,
            "secretKeyName": bucket.keys.secret_key,
        }
    return values


def endpoint_address(endpoint: str) -> str:
    """`host:port` of an endpoint's URL; the port is the scheme's own where the URL has none.

    Raises ValueError when `endpoint` is not the http or https URL of a host. An IPv6 address is none: the chart would
    read its brackets as a list.
    """
    url = urlsplit(endpoint)
    host = url.hostname or ""
    if url.scheme not in ("http", "https") or not host or ":" in host or url.path.strip("/") or url.query:
        raise ValueError(f"bucket: endpoint {endpoint!r} is not of the form https://host:port")
    return f"{host}:{url.port or (443 if url.scheme == 'https' else 80)}"


def endpoint_path(endpoint: str, bucket: str) -> str:
    """The bucket behind an endpoint, and whether the endpoint speaks TLS."""
    return f"{bucket}?tls={'true' if urlsplit(endpoint).scheme == 'https' else 'false'}"


def azure_account(name: str) -> str:
    """The storage account in `account/container`. Raises ValueError when there is no container."""
    account, _, container = name.partition("/")
    if not account or not container:
        raise ValueError(f"bucket: {name!r} is not of the form account/container")
    return account


def azure_container(name: str) -> str:
    """The container, and the prefix after it, in `account/container`."""
    return name.partition("/")[2]
