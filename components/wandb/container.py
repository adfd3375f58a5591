"""The environment of W&B's server when all of it runs in one container, image `wandb/local`: a pure function.

The same variables serve Kubernetes, Docker and Compose. A secret is never in one: it has a variable of its own, read from a
Secret or an env-file, and the others name it as `$(NAME)`.

Sources: W&B's documentation of the server's environment variables (LICENSE, MYSQL, REDIS, BUCKET, BUCKET_QUEUE, AWS_REGION,
HOST, OIDC_*, SLACK_*, GORILLA_SESSION_LENGTH, GORILLA_EMAIL_SINK), and how chart `operator-wandb` fills the same ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi

from .. import contracts
from ..later import lift
from .bucket import PROXY_ENVIRONMENT, endpoint_address, endpoint_path
from .options import Options

PORT = 8080
"""Where the container answers, `/ready` and `/healthz` included."""
DATA = "/vol"
"""Where it keeps what is its own: without external stores that is everything."""
USER = 999
"""Whom the image runs as. Any other needs an id from 100000 on."""
GROUP = 0
"""The files in the image belong to it, so the processes must be in it, whoever they run as."""
RESOURCES = contracts.Resources(cpu_request="2", memory_request="4Gi", cpu_limit="4", memory_limit="8Gi")
"""Source: W&B's guide for a server on premises."""

_SCHEMES = {"s3": "s3", "gcs": "gs", "cw": "cw"}

Value = pulumi.Input[str] | contracts.SecretKey


@dataclass(frozen=True, kw_only=True)
class ServerArgs:
    """What the server is told. Raises ValueError, naming the argument, for what one container cannot do."""

    url: str
    license: contracts.SecretKey
    mysql: contracts.MySQL | None
    """None: the container's own, on its volume."""
    redis: contracts.Redis | None
    """None: the container's own."""
    bucket: contracts.Bucket | None
    """None: files are on the container's volume."""
    options: Options = field(default_factory=Options)

    def __post_init__(self) -> None:
        if wrong := unsupported(self.options):
            raise ValueError(f"options: {', '.join(wrong)} given, which a server in one container does not have")
        if self.bucket and self.bucket.provider not in _SCHEMES:
            raise ValueError(f"bucket: provider {self.bucket.provider} given; one of {', '.join(_SCHEMES)} wanted")


def unsupported(options: Options) -> list[str]:
    """The names of options that only the chart's components have."""
    of_the_chart = {
        "kafka": options.kafka,
        "bufstream": options.bufstream,
        "optional_components": options.optional_components,
        "olap": options.olap,
        "weave_token_revision": options.weave_token_revision,
        "executor_concurrency": options.executor_concurrency,
        "panel_cache_gib": options.panel_cache_gib,
        "prometheus": options.prometheus,
        "open_telemetry": options.open_telemetry,
        "components": options.components,
        "extra_values": options.extra_values,
    }
    return [name for name, value in of_the_chart.items() if value]


def environment(args: ServerArgs) -> dict[str, Value]:
    """The container's variables. Whoever is named by another as `$(NAME)` comes before it, as Kubernetes wants it."""
    found: dict[str, Value] = {"HOST": args.url, "LICENSE": args.license}
    if args.mysql:
        found |= _mysql(args.mysql)
    if args.redis:
        found |= _redis(args.redis)
    if args.bucket:
        found |= _bucket(args.bucket)
    return found | _options(args.options)


def _mysql(mysql: contracts.MySQL) -> dict[str, Value]:
    address = f"mysql://{mysql.user}:$(MYSQL_PASSWORD)@{{}}:{mysql.port}/{mysql.database}"
    return {"MYSQL_PASSWORD": mysql.password, "MYSQL": lift(address.format, mysql.host)}


def _redis(redis: contracts.Redis) -> dict[str, Value]:
    login = ":$(REDIS_PASSWORD)@" if redis.password else ""
    query = "?tls=true" if redis.tls else ""
    address = lift(f"redis://{login}{{}}:{redis.port}{query}".format, redis.host)
    return {**({"REDIS_PASSWORD": redis.password} if redis.password else {}), "REDIS": address}


def _bucket(bucket: contracts.Bucket) -> dict[str, Value]:
    found: dict[str, Value] = {}
    login = ""
    if bucket.keys:
        keys = bucket.keys
        found["BUCKET_ACCESS_KEY"] = contracts.SecretKey(name=keys.name, key=keys.access_key)
        found["BUCKET_SECRET_KEY"] = contracts.SecretKey(name=keys.name, key=keys.secret_key)
        login = "$(BUCKET_ACCESS_KEY):$(BUCKET_SECRET_KEY)@"
    prefix = f"{_SCHEMES[bucket.provider]}://{login}"
    if bucket.endpoint is not None:
        address = lift(endpoint_address, bucket.endpoint)
        path = lift(endpoint_path, bucket.endpoint, bucket.name)
        found["BUCKET"] = lift((prefix + "{}/{}").format, address, path)
    else:
        found["BUCKET"] = lift((prefix + "{}").format, bucket.name)
    found |= {"BUCKET_QUEUE": "internal://", "AWS_REGION": bucket.region}
    if bucket.kms_key is not None:
        found["AWS_S3_KMS_ID"] = bucket.kms_key
    return found | (PROXY_ENVIRONMENT if bucket.proxied else {})


def _options(options: Options) -> dict[str, Value]:
    found: dict[str, Value] = {}
    if options.session_hours is not None:
        found["GORILLA_SESSION_LENGTH"] = f"{options.session_hours}h"
    if oidc := options.oidc:
        found |= {"OIDC_ISSUER": oidc.issuer, "OIDC_CLIENT_ID": oidc.client_id, "OIDC_AUTH_METHOD": oidc.method}
        found |= {"OIDC_SECRET": oidc.secret} if oidc.secret else {}
    if smtp := options.smtp:
        found |= {
            "SMTP_PASSWORD": smtp.password,
            "GORILLA_EMAIL_SINK": f"smtp://{smtp.user}:$(SMTP_PASSWORD)@{smtp.host}:{smtp.port}",
            **({"GORILLA_EMAIL_FROM_ADDRESS": smtp.sender} if smtp.sender else {}),
        }
    if slack := options.slack:
        found |= {"SLACK_CLIENT_ID": slack.client_id, "SLACK_SECRET": slack.secret}
    if options.artifact_garbage_collection is not None:
        found["GORILLA_ARTIFACT_GC_ENABLED"] = "true" if options.artifact_garbage_collection else "false"
    return {**found, **_proxy(options), **options.env, **options.env_secrets}


def _proxy(options: Options) -> Mapping[str, Value]:
    if options.proxy is None:
        return {}
    direct = ",".join(("localhost", "127.0.0.1", ".svc", ".cluster.local", "169.254.169.254", *options.proxy.direct))
    upper = {"HTTP_PROXY": options.proxy.http, "HTTPS_PROXY": options.proxy.https, "NO_PROXY": direct}
    given = {name: value for name, value in upper.items() if value}
    return given | {name.lower(): value for name, value in given.items()}
