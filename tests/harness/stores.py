"""Every object store that ClickHouse is set up for, each with every way to open it, as a server finds it in its world.

`STORES` are the columns of the table in docs/clickhouse.md.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from components import contracts
from components.clickhouse import server

from . import azurite, clickhouse_space, identities
from .clickhouse_engine import Engine, pod_environment
from .internet import Internet, Request, Response, Site, forward, internet, reply
from .s3 import ABSENT, REGION, ROLE, Store

BUCKET = "clickhouse-data"
KEYS = contracts.BucketKeys(name="clickhouse-keys")
COMPATIBLE = "https://store.example.internal:9000"
NODE = "http://169.254.169.254"
"""The metadata service of the machine, which a pod must never need."""


@dataclass(frozen=True)
class Backends:
    """The servers that do the storing."""

    s3: Store
    blobs: azurite.Blobs


@dataclass(frozen=True, kw_only=True)
class ObjectStore:
    """One store with one way to open it."""

    name: str
    bucket: contracts.Bucket
    sites: Callable[[Backends], Mapping[str, Site]]
    """What there is in the server's world."""
    given: Callable[[str], Mapping[str, str]] = lambda token: {}
    """What the cloud puts into the pod's environment, for the path of a file with the pod's token."""
    refused: str
    """What a server says that shows the wrong key or token."""
    absent: str
    """What a server says whose bucket is not there."""

    def __str__(self) -> str:
        return self.name

    @property
    def on_azure(self) -> bool:
        """Whether Azurite does the storing."""
        return self.bucket.provider == "az"

    def prefix(self, shard: int, replica: int) -> str:
        """Where the objects of one host belong."""
        host = f"chi-wandb-weavecluster-{shard}-{replica}"
        below = f"{host}-0/" if self.on_azure else f"{shard}/{host}/"
        return f"weave/clickhouse/wandb/weavecluster/{below}"

    def names(self, backends: Backends) -> Sequence[str]:
        """The names of all objects."""
        return backends.blobs.names() if self.on_azure else backends.s3.names()

    def empty(self, backends: Backends) -> None:
        """Deletes every object."""
        (backends.blobs if self.on_azure else backends.s3).empty()


@dataclass(frozen=True, kw_only=True)
class World:
    """A running world with one store, in which servers can be started."""

    store: ObjectStore
    backends: Backends
    net: Internet
    folder: Path
    secrets: Mapping[str, str] = field(default_factory=dict)

    def names(self) -> Sequence[str]:
        """The names of all objects."""
        return self.store.names(self.backends)

    def engine(
        self,
        name: str = "server",
        *,
        bucket: contracts.Bucket | None = None,
        shard: int = 0,
        replica: int = 0,
        secrets: Mapping[str, str] | None = None,
        token: str = identities.POD_TOKEN,
        edit: Callable[[dict[str, str]], None] = lambda files: None,
        **options: Any,
    ) -> Engine:
        """The server of one host as the product sets it up. `edit` changes its files; `secrets` are those of the keys."""
        made = server.manifest(clickhouse_space.server(bucket=bucket or self.store.bucket, volume_gib=20, cache_gib=1))
        spec, pod = made["spec"], f"chi-wandb-weavecluster-{shard}-{replica}"
        files = dict(spec["configuration"]["files"])
        edit(files)
        container = spec["templates"]["podTemplates"][0]["spec"]["containers"][0]
        shown = self.folder / f"{name}.token"
        shown.write_text(token, encoding="utf-8")
        own = pod_environment(container, {**self.secrets, **(secrets or {})}, f"{pod}-0")
        macros = {"installation": "wandb", "cluster": "weavecluster", "shard": str(shard), "replica": pod}
        return Engine(
            self.folder / name,
            files,
            macros=macros,
            environment=own | dict(self.store.given(str(shown))),
            mounted=self._mounted(),
            # a private authority is believed because the product says so, and for no other reason
            net=self.net,
            trusted=self.store.bucket.ca is None,
            **options,
        )

    def _mounted(self) -> dict[str, str]:
        if self.store.bucket.ca is None:
            return {}
        return {"bucket-authority/ca.crt": self.net.authority.certificate.read_text(encoding="utf-8")}


@contextlib.contextmanager
def world(store: ObjectStore, backends: Backends, folder: Path) -> Generator[World]:
    """Runs until the block ends, and begins with an empty bucket."""
    store.empty(backends)
    access, secret = (azurite.KEY, "") if store.on_azure else (backends.s3.access_key, backends.s3.secret_key)
    with internet(store.sites(backends)) as net:
        secrets = {KEYS.access_key: access, KEYS.secret_key: secret}
        yield World(store=store, backends=backends, net=net, folder=folder, secrets=secrets)


def _s3(**more: Any) -> contracts.Bucket:
    return contracts.Bucket(provider="s3", name=BUCKET, region=REGION, **more)


def _at(*urls: str) -> Callable[[Backends], Mapping[str, Site]]:
    return lambda backends: {url: _signed_only(backends.s3.endpoint) for url in urls}


def _signed_only(url: str) -> Site:
    """S3 as AWS answers to who has no credentials; moto has an error of its own for that."""
    behind = forward(url)

    def answer(request: Request) -> Response:
        if "authorization" in request.headers:
            return behind(request)
        told = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
        return reply(told, status=403, kind="application/xml")

    return answer


def _with(url: str, site: Callable[[Store], Site]) -> Callable[[Backends], Mapping[str, Site]]:
    """AWS's own S3 beside the part of AWS that hands out credentials."""
    return lambda backends: {**_at(_AWS, _ABSENT)(backends), url: site(backends.s3)}


def unknown_to_google(backends: Backends) -> Mapping[str, Site]:
    """A world in which the node's token opens no bucket."""
    return {
        "https://storage.googleapis.com": identities.google_storage(backends.s3, token="another"),
        identities.METADATA: identities.metadata,
    }


def _azure(backends: Backends) -> Mapping[str, Site]:
    return {
        f"https://{backends.blobs.host}": forward(backends.blobs.endpoint),
        identities.ENTRA: identities.entra,
    }


_AWS, _ABSENT = (f"https://{name}.s3.{REGION}.amazonaws.com" for name in (BUCKET, ABSENT))
_CONTAINER = f"{azurite.ACCOUNT}/{azurite.CONTAINER}"
_NO_BUCKET, _NO_CONTAINER = "bucket does not exist", "container does not exist"
_DENIED = "(?i)access denied"
_NO_KEY = "Access Key Id you provided does not exist"

STORES = (
    ObjectStore(
        name="S3 with keys",
        bucket=_s3(keys=KEYS),
        sites=_at(_AWS, _ABSENT),
        refused=_NO_KEY,
        absent=_NO_BUCKET,
    ),
    ObjectStore(
        name="S3 with a role of the ServiceAccount",
        bucket=_s3(),
        sites=_with(f"https://sts.{REGION}.amazonaws.com", identities.sts),
        given=lambda token: {"AWS_ROLE_ARN": ROLE, "AWS_WEB_IDENTITY_TOKEN_FILE": token},
        refused=_DENIED,
        absent=_NO_BUCKET,
    ),
    ObjectStore(
        name="S3 with EKS Pod Identity",
        bucket=_s3(),
        sites=_with(identities.POD_IDENTITY, identities.pod_identity),
        given=lambda token: {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{identities.POD_IDENTITY}/v1/credentials",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": token,
        },
        refused=_DENIED,
        absent=_NO_BUCKET,
    ),
    ObjectStore(
        name="S3-compatible with keys and a private authority",
        bucket=_s3(endpoint=COMPATIBLE, keys=KEYS, ca=contracts.SecretKey(name="store-ca", key="ca.crt")),
        sites=_at(COMPATIBLE),
        refused=_NO_KEY,
        absent=_NO_BUCKET,
    ),
    ObjectStore(
        name="GCS with HMAC keys",
        bucket=contracts.Bucket(provider="gcs", name=BUCKET, region="europe-west4", keys=KEYS),
        sites=_at("https://storage.googleapis.com"),
        refused=_NO_KEY,
        absent=_NO_BUCKET,
    ),
    ObjectStore(
        name="GCS with Workload Identity",
        bucket=contracts.Bucket(provider="gcs", name=BUCKET, region="europe-west4"),
        sites=lambda backends: {
            "https://storage.googleapis.com": identities.google_storage(backends.s3),
            identities.METADATA: identities.metadata,
        },
        refused=_DENIED,
        absent=_NO_BUCKET,
    ),
    ObjectStore(
        name="Azure Blob with a key",
        bucket=contracts.Bucket(provider="az", name=_CONTAINER, region="westeurope", keys=KEYS),
        sites=_azure,
        # Azure says 403; Azurite, where it takes tokens too, goes on to take the signature for a token
        refused="Server failed to authenticate|Authentication information is not given in the correct format",
        absent=_NO_CONTAINER,
    ),
    ObjectStore(
        name="Azure Blob with a workload identity",
        bucket=contracts.Bucket(provider="az", name=_CONTAINER, region="westeurope"),
        sites=_azure,
        given=lambda token: {
            "AZURE_TENANT_ID": identities.TENANT,
            "AZURE_CLIENT_ID": identities.CLIENT,
            "AZURE_FEDERATED_TOKEN_FILE": token,
            "AZURE_AUTHORITY_HOST": f"{identities.ENTRA}/",
        },
        refused="AADSTS700016|invalid_client|401",
        absent=_NO_CONTAINER,
    ),
    ObjectStore(
        name="CoreWeave with keys",
        bucket=contracts.Bucket(provider="cw", name=BUCKET, region="US-EAST-04A", keys=KEYS),
        sites=_at(f"https://{BUCKET}.cwobject.com", f"https://{ABSENT}.cwobject.com"),
        refused=_NO_KEY,
        absent=_NO_BUCKET,
    ),
)
