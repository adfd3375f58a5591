"""MySQL in the cluster, for tests, and W&B's database on any MySQL."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import pulumi
import pulumi_random
from pulumi_kubernetes import Provider
from pulumi_kubernetes.batch.v1 import Job
from pulumi_kubernetes.core.v1 import ConfigMap

from .. import contracts
from ..credentials import random_text, secret
from ..fingerprint import fingerprint
from ..ordering import after
from .store import Server, Task, Volume, job_metadata, job_spec, labels, secret_env, single_server

PORT = 3306
USER_ID = 999
"""The user of the official `mysql` image."""

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

DATABASE_SCRIPT = """\
until mysqladmin ping --host "$MYSQL_HOST" --port "$MYSQL_PORT" --silent; do
  echo "waiting for MySQL at $MYSQL_HOST:$MYSQL_PORT"
  sleep 2
done
mysql --host "$MYSQL_HOST" --port "$MYSQL_PORT" --user "$ADMIN_USER" <<SQL
CREATE DATABASE IF NOT EXISTS \\`$WANDB_DATABASE\\` CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;
CREATE USER IF NOT EXISTS '$WANDB_USER'@'%' IDENTIFIED BY '$WANDB_PASSWORD';
ALTER USER '$WANDB_USER'@'%' IDENTIFIED BY '$WANDB_PASSWORD';
GRANT ALL PRIVILEGES ON \\`$WANDB_DATABASE\\`.* TO '$WANDB_USER'@'%' WITH GRANT OPTION;
SQL
echo "database $WANDB_DATABASE and user $WANDB_USER are ready"
"""


@dataclass(frozen=True, kw_only=True)
class MySQLDatabaseArgs:
    """W&B's database on a MySQL that runs, and who may create it."""

    provider: Provider
    namespace: pulumi.Input[str]
    image: str
    """An image with the MySQL client of the server's line."""
    server: contracts.MySQL
    """The database, user and password to create, and where. Its Secret is in `namespace`."""
    admin_user: str = "root"
    admin_password: contracts.SecretKey
    depends_on: tuple[pulumi.Resource, ...] = ()


class MySQLDatabase(pulumi.ComponentResource):
    """The database, user and grants that W&B needs, made by a Job that can run again at any time.

    A second run sets the user's password anew and changes nothing else. The character set is utf8mb4 with
    utf8mb4_general_ci, the grants are all on this database with GRANT OPTION, as W&B's bare-metal guide asks.
    """

    outputs: contracts.MySQL
    """The database as it was asked for; its host is known once the database is there."""

    def __init__(self, name: str, args: MySQLDatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("wandb:kubernetes:MySQLDatabase", name, {}, opts)
        server = args.server
        task = Task(
            image=args.image,
            user=USER_ID,
            script=DATABASE_SCRIPT,
            env=[
                {"name": "MYSQL_HOST", "value": server.host},
                {"name": "MYSQL_PORT", "value": str(server.port)},
                {"name": "ADMIN_USER", "value": args.admin_user},
                secret_env("MYSQL_PWD", args.admin_password),
                {"name": "WANDB_DATABASE", "value": server.database},
                {"name": "WANDB_USER", "value": server.user},
                secret_env("WANDB_PASSWORD", server.password),
            ],
        )
        job = Job(
            f"{name}-job",
            metadata=job_metadata(name, "mysql-database", args.namespace),
            spec=job_spec(task),
            opts=pulumi.ResourceOptions(parent=self, provider=args.provider, depends_on=args.depends_on),
        )
        self.outputs = dataclasses.replace(server, host=after(server.host, job))
        self.register_outputs({"host": self.outputs.host})


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
        )
