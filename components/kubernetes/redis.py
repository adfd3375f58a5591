"""Redis in the cluster, for tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_random
from pulumi_kubernetes import Provider

from .. import contracts
from ..credentials import random_text, secret
from ..ordering import after
from ..task import secret_env
from .store import Server, Volume, single_server

PORT = 6379
USER_ID = 999
"""The user of the official `redis` image (Debian)."""


@dataclass(frozen=True, kw_only=True)
class RedisArgs:
    """Redis in the cluster."""

    provider: Provider
    random_provider: pulumi_random.Provider
    namespace: pulumi.Input[str]
    image: str
    resources: contracts.Resources
    volume: Volume
    pull_secrets: Sequence[str] = ()
    """Secrets in W&B's namespace by which the images are pulled."""


class Redis(pulumi.ComponentResource):
    """One Redis server in the cluster, with a password and an append-only file. For tests: no fail-over, no backup.

    The password is in a configuration file, not on the command line, where `ps` would show it.
    """

    outputs: contracts.Redis

    def __init__(self, name: str, args: RedisArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("wandb:kubernetes:Redis", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self, provider=args.provider)
        text = random_text(f"{name}-password", args.random_provider, parent=self)
        password = secret(
            f"{name}-password",
            name="redis-password",
            namespace=args.namespace,
            values={
                "REDIS_PASSWORD": text,
                "redis.conf": pulumi.Output.concat("requirepass ", text, "\nappendonly yes\ndir /data\n"),
            },
            opts=child,
        )
        server = Server(
            image=args.image,
            port=PORT,
            data="/data",
            user=USER_ID,
            resources=args.resources,
            command=("redis-server",),
            args=("/etc/redis/redis.conf",),
            # redis-cli exits with 0 also when it is refused
            probe={"exec_": {"command": ["sh", "-c", "redis-cli ping | grep -qx PONG"]}},
            env=[secret_env("REDISCLI_AUTH", password)],
            config={
                "name": "config",
                "secret": {"secret_name": password.name, "items": [{"key": "redis.conf", "path": "redis.conf"}]},
            },
            config_directory="/etc/redis",
            pull_secrets=args.pull_secrets,
        )
        running = single_server(name, "redis", args.namespace, server=server, volume=args.volume, opts=child)
        address = pulumi.Output.concat("redis.", args.namespace, ".svc.cluster.local")
        self.outputs = contracts.Redis(host=after(address, *running), port=PORT, password=password)
        self.register_outputs({"host": self.outputs.host})
