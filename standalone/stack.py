"""What a stack file says of the server, read without Pulumi: an encrypted value stays closed, and is never needed."""

from __future__ import annotations

from pathlib import Path

from arguments.options import options, secret_texts
from components import contracts
from components.wandb.container import ServerArgs
from settings import Settings
from settings.stack_file import StackFileError, read_stack
from settings.stores import ExternalMySQL, ExternalObjectStore, ExternalRedis
from settings.surface import NAMESPACE


class NoStack(Exception):
    """There is no such stack, or it does not ask for a server in one container."""


def read(stack: str, project: Path) -> Settings:
    """The settings of `Pulumi.<stack>.yaml` in the project or its examples.

    Raises NoStack, and InvalidSettings with every problem there is.
    """
    try:
        settings = read_stack(stack, project)
    except StackFileError as error:
        told = str(error)
        raise NoStack(told[0].upper() + told[1:]) from None
    if settings.single_container is None:
        raise NoStack(
            f"Pulumi.{stack}.yaml does not ask for a server in one container: add `{NAMESPACE}:singleContainer: {{}}`."
        )
    return settings


def server(settings: Settings) -> ServerArgs:
    """What the server is told. A data store that the stack would make in the cluster is the container's own here."""
    mysql, redis, store = settings.mysql, settings.redis, settings.object_store
    named = {name: _reference(name) for name in secret_texts(settings.instance)}
    return ServerArgs(
        url=settings.url,
        license=_reference("license"),
        mysql=_mysql(mysql) if isinstance(mysql, ExternalMySQL) else None,
        redis=_redis(redis) if isinstance(redis, ExternalRedis) else None,
        bucket=_bucket(store) if isinstance(store, ExternalObjectStore) else None,
        options=options(settings.instance, named, registry=settings.wandb_registry),
    )


def _mysql(mysql: ExternalMySQL) -> contracts.MySQL:
    return contracts.MySQL(
        host=mysql.host, port=mysql.port, database=mysql.database, user=mysql.user, password=_reference("mysql")
    )


def _redis(redis: ExternalRedis) -> contracts.Redis:
    asked = redis.password_secret is not None or redis.password is not None
    return contracts.Redis(
        host=redis.host, port=redis.port, tls=redis.tls, password=_reference("redis") if asked else None
    )


def _bucket(store: ExternalObjectStore) -> contracts.Bucket:
    bucket = store.bucket
    return contracts.Bucket(
        provider=bucket.provider,
        name=bucket.name,
        region=bucket.region,
        endpoint=bucket.endpoint,
        keys=contracts.BucketKeys(name="bucket") if bucket.keys_secret else None,
        kms_key=bucket.kms_key,
        proxied=bucket.proxied,
    )


def _reference(name: str) -> contracts.SecretKey:
    return contracts.SecretKey(name=name, key="value")
