"""MySQL in the cluster, for tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_random
from pulumi_kubernetes import Provider
from pulumi_kubernetes.core.v1 import ConfigMap

from .. import contracts
from ..credentials import random_text, secret
from ..fingerprint import fingerprint
from ..mysql_database import USER_ID, MySQLDatabase, MySQLDatabaseArgs
from ..task import labels, secret_env
from .store import Server, Volume, single_server

PORT = 3306

PARAMETERS = {
    "binlog_format": "ROW",
    "binlog_row_image": "MINIMAL",
    "innodb_flush_log_at_trx_commit": 1,
    "innodb_online_alter_log_max_size": 268435456,
    "max_prepared_stmt_count": 1048576,
    "sort_buffer_size": 67108864,
    "sync_binlog": 1,
}
"""Source: W&B Reference Architecture, "MySQL configuration parameters". Sizes in bytes."""


@dataclass(frozen=True, kw_only=True)
class MySQLArgs:
    """MySQL in the cluster."""

    provider: Provider
    random_provider: pulumi_random.Provider
    namespace: pulumi.Input[str]
    image: str
    resources: contracts.Resources
    volume: Volume
    max_connections: int
    database: str = "wandb_local"
    user: str = "wandb"
    pull_secrets: Sequence[str] = ()
    """Secrets in W&B's namespace by which the images are pulled."""


class MySQL(pulumi.ComponentResource):
    """One MySQL server in the cluster with W&B's parameters, database and user. For tests: no fail-over, no backup.

    The root password stays in the Secret `mysql-root`; W&B's own is in the Secret of `outputs.password`.
    """

    outputs: contracts.MySQL

    def __init__(self, name: str, args: MySQLArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("wandb:kubernetes:MySQL", name, {}, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self, provider=args.provider)
        root = self._password("root", "MYSQL_ROOT_PASSWORD")
        wandb = self._password("wandb", "MYSQL_PASSWORD")
        server = single_server(
            name, "mysql", args.namespace, server=self._server(root), volume=args.volume, opts=self._child
        )
        connection = contracts.MySQL(
            host=pulumi.Output.concat("mysql.", args.namespace, ".svc.cluster.local"),
            port=PORT,
            database=args.database,
            user=args.user,
            password=wandb,
        )
        database = MySQLDatabase(
            f"{name}-database",
            MySQLDatabaseArgs(
                provider=args.provider,
                namespace=args.namespace,
                image=args.image,
                server=connection,
                admin_password=root,
                depends_on=server,
                pull_secrets=args.pull_secrets,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.outputs = database.outputs
        self.register_outputs({"host": self.outputs.host})

    def _password(self, who: str, key: str) -> contracts.SecretKey:
        name = f"{self._name}-{who}-password"
        return secret(
            name,
            name=f"mysql-{who}",
            namespace=self._args.namespace,
            values={key: random_text(name, self._args.random_provider, parent=self)},
            opts=self._child,
        )

    def _server(self, root: contracts.SecretKey) -> Server:
        settings = PARAMETERS | {"max_connections": self._args.max_connections}
        text = "\n".join(["[mysqld]", *(f"{key} = {value}" for key, value in settings.items())]) + "\n"
        config = ConfigMap(
            f"{self._name}-config",
            metadata={
                "name": "mysql-config",
                "namespace": self._args.namespace,
                "labels": labels(self._name, "mysql"),
            },
            data={"wandb.cnf": text},
            opts=self._child,
        )
        return Server(
            image=self._args.image,
            port=PORT,
            data="/var/lib/mysql",
            user=USER_ID,
            resources=self._args.resources,
            probe={"tcp_socket": {"port": PORT}},
            env=[secret_env("MYSQL_ROOT_PASSWORD", root)],
            config={"name": "config", "config_map": {"name": config.metadata.name}},
            config_directory="/etc/mysql/conf.d",
            revision=fingerprint(text),
            pull_secrets=self._args.pull_secrets,
        )
