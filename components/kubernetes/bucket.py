"""An S3-compatible object store in the cluster, for tests: SeaweedFS with one bucket for W&B and one for ClickHouse."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_random
from pulumi_kubernetes import Provider
from pulumi_kubernetes.batch.v1 import Job

from .. import contracts
from ..credentials import random_text, secret
from ..fingerprint import fingerprint
from ..ordering import after
from ..task import Task, job_metadata, job_spec, secret_env
from .store import Server, Volume, single_server

PORT = 8333
USER_ID = 1000
REGION = "us-east-1"
"""SeaweedFS has no regions; clients need one to sign requests, and this is the one that S3 clients take by default."""
KEY_LENGTH = 40

BUCKETS_SCRIPT = """\
for bucket in $BUCKETS; do
  if aws --endpoint-url "$S3_ENDPOINT" s3api head-bucket --bucket "$bucket" 2>/dev/null; then
    echo "bucket $bucket exists"
  else
    aws --endpoint-url "$S3_ENDPOINT" s3api create-bucket --bucket "$bucket"
    echo "bucket $bucket created"
  fi
done
aws --endpoint-url "$S3_ENDPOINT" s3api put-bucket-cors --bucket "$CORS_BUCKET" --cors-configuration "$CORS"
echo "CORS of bucket $CORS_BUCKET set"
"""


def cors(origin: str) -> dict[str, Any]:
    """The CORS configuration that W&B's pages at `origin` need. Source: W&B bare-metal guide, object storage."""
    rule = {
        "AllowedOrigins": [origin],
        "AllowedMethods": ["GET", "HEAD", "PUT"],
        "AllowedHeaders": ["*"],
        "ExposeHeaders": ["ETag"],
        "MaxAgeSeconds": 3000,
    }
    return {"CORSRules": [rule]}


@dataclass(frozen=True, kw_only=True)
class ObjectStoreArgs:
    """SeaweedFS in the cluster."""

    provider: Provider
    random_provider: pulumi_random.Provider
    namespaces: contracts.Namespaces
    image: str
    client_image: str
    """An image with the AWS command line, which makes the buckets."""
    resources: contracts.Resources
    volume: Volume
    origin: str
    """W&B's URL, the one origin that may use its bucket from a browser."""
    bucket: str = "wandb"
    clickhouse_bucket: str | None = "clickhouse"
    """None: no bucket for ClickHouse."""
    pull_secrets: Sequence[str] = ()
    """Secrets in W&B's namespace by which the images are pulled."""


@dataclass(frozen=True)
class _Keys:
    access_key: str
    """Says who signs, as a user name does; what is secret is the other."""
    secret_key: pulumi.Output[str]

    def identity(self, actions: list[str]) -> Mapping[str, Any]:
        """A user in SeaweedFS's S3 configuration; an action such as `Read:wandb` holds for that bucket alone."""
        credentials = [{"accessKey": self.access_key, "secretKey": self.secret_key}]
        return {"name": self.access_key, "credentials": credentials, "actions": actions}

    def values(self) -> dict[str, pulumi.Input[str]]:
        """As the data of the Secrets that hand the key out."""
        return {"ACCESS_KEY": self.access_key, "SECRET_KEY": self.secret_key}


class ObjectStore(pulumi.ComponentResource):
    """SeaweedFS in the cluster and its buckets, each with a key of its own that opens no other. For tests only.

    It is reachable inside the cluster alone, so W&B hands files through itself (`proxied`).
    """

    bucket: contracts.Bucket
    clickhouse_bucket: contracts.Bucket | None

    def __init__(self, name: str, args: ObjectStoreArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("wandb:kubernetes:ObjectStore", name, {}, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self, provider=args.provider)
        admin, wandb = self._keys("admin"), self._keys("wandb")
        identities = [admin.identity(["Admin", "Read", "Write", "List", "Tagging"])]
        identities.append(wandb.identity(_actions(args.bucket)))
        clickhouse = self._keys("clickhouse") if args.clickhouse_bucket else None
        if args.clickhouse_bucket and clickhouse:
            identities.append(clickhouse.identity(_actions(args.clickhouse_bucket)))
        config = self._secret(
            "config", {"s3.json": pulumi.Output.json_dumps({"identities": identities}), **admin.values()}
        )
        server = single_server(
            name, "seaweedfs", args.namespaces.wandb, server=self._server(config), volume=args.volume, opts=self._child
        )
        job = self._buckets(config, server)
        self.bucket = self._bucket(args.bucket, wandb, args.namespaces.wandb, job)
        self.clickhouse_bucket = (
            self._bucket(args.clickhouse_bucket, clickhouse, args.namespaces.clickhouse, job)
            if args.clickhouse_bucket and clickhouse
            else None
        )
        self.register_outputs({"endpoint": self.bucket.endpoint})

    @property
    def _endpoint(self) -> pulumi.Output[str]:
        return pulumi.Output.concat("http://seaweedfs.", self._args.namespaces.wandb, f".svc.cluster.local:{PORT}")

    def _keys(self, who: str) -> _Keys:
        name = f"{self._name}-{who}-secret-key"
        return _Keys(who, random_text(name, self._args.random_provider, parent=self, length=KEY_LENGTH))

    def _secret(
        self, purpose: str, values: Mapping[str, pulumi.Input[str]], namespace: pulumi.Input[str] | None = None
    ) -> contracts.SecretKey:
        return secret(
            f"{self._name}-{purpose}",
            name=f"seaweedfs-{purpose}",
            namespace=namespace or self._args.namespaces.wandb,
            values=values,
            opts=self._child,
        )

    def _server(self, config: contracts.SecretKey) -> Server:
        return Server(
            image=self._args.image,
            port=PORT,
            data="/data",
            user=USER_ID,
            resources=self._args.resources,
            command=("weed",),
            args=(
                "server",
                "-dir=/data",
                "-ip.bind=0.0.0.0",
                # as many data files as the disk holds: the default of eight is used up by the first two buckets
                "-volume.max=0",
                "-master.volumeSizeLimitMB=1024",
                "-s3",
                f"-s3.port={PORT}",
                "-s3.config=/etc/seaweedfs/s3.json",
            ),
            probe={"http_get": {"path": "/status", "port": PORT}},
            config={
                "name": "config",
                "secret": {"secret_name": config.name, "items": [{"key": config.key, "path": "s3.json"}]},
            },
            config_directory="/etc/seaweedfs",
            # the server reads its identities only as it starts; the keys of each stay the same
            revision=fingerprint(json.dumps([self._args.bucket, self._args.clickhouse_bucket])),
            pull_secrets=self._args.pull_secrets,
        )

    def _buckets(self, config: contracts.SecretKey, server: tuple[pulumi.Resource, ...]) -> Job:
        args = self._args
        names = [args.bucket, args.clickhouse_bucket] if args.clickhouse_bucket else [args.bucket]
        task = Task(
            image=args.client_image,
            user=USER_ID,
            script=BUCKETS_SCRIPT,
            env=[
                {"name": "S3_ENDPOINT", "value": self._endpoint},
                {"name": "BUCKETS", "value": " ".join(names)},
                {"name": "CORS_BUCKET", "value": args.bucket},
                {"name": "CORS", "value": json.dumps(cors(args.origin))},
                {"name": "AWS_DEFAULT_REGION", "value": REGION},
                {"name": "AWS_REQUEST_CHECKSUM_CALCULATION", "value": "when_required"},
                {"name": "HOME", "value": "/tmp"},
                secret_env("AWS_ACCESS_KEY_ID", contracts.SecretKey(name=config.name, key="ACCESS_KEY")),
                secret_env("AWS_SECRET_ACCESS_KEY", contracts.SecretKey(name=config.name, key="SECRET_KEY")),
            ],
            pull_secrets=args.pull_secrets,
        )
        return Job(
            f"{self._name}-buckets",
            metadata=job_metadata(self._name, "seaweedfs-buckets", args.namespaces.wandb),
            spec=job_spec(task),
            opts=pulumi.ResourceOptions(parent=self, provider=args.provider, depends_on=server),
        )

    def _bucket(self, bucket: str, keys: _Keys, namespace: pulumi.Input[str], job: Job) -> contracts.Bucket:
        reference = self._secret(f"{bucket}-keys", keys.values(), namespace)
        return contracts.Bucket(
            provider="s3",
            name=bucket,
            region=REGION,
            endpoint=after(self._endpoint, job),
            keys=contracts.BucketKeys(name=reference.name),
            proxied=True,
        )


def _actions(bucket: str) -> list[str]:
    return [f"{action}:{bucket}" for action in ("Read", "Write", "List", "Tagging")]
