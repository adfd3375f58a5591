"""W&B's database, user and grants on any MySQL 8: in the cluster, in a cloud, or brought."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes import Provider
from pulumi_kubernetes.batch.v1 import Job

from . import contracts
from .ordering import after
from .task import Task, job_metadata, job_spec, secret_env

USER_ID = 999
"""The user of the official `mysql` image."""

DATABASE_SCRIPT = """\
until mysqladmin ping --host "$MYSQL_HOST" --port "$MYSQL_PORT" --silent; do
  echo "waiting for MySQL at $MYSQL_HOST:$MYSQL_PORT"
  sleep 2
done
mysql --host "$MYSQL_HOST" --port "$MYSQL_PORT" --user "$ADMIN_USER" <<SQL
CREATE DATABASE IF NOT EXISTS \\`$WANDB_DATABASE\\` CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;
CREATE USER IF NOT EXISTS '$WANDB_USER'@'%' IDENTIFIED BY '$WANDB_PASSWORD';
GRANT ALL PRIVILEGES ON \\`$WANDB_DATABASE\\`.* TO '$WANDB_USER'@'%' WITH GRANT OPTION;
ALTER USER '$WANDB_USER'@'%' IDENTIFIED BY '$WANDB_PASSWORD' RETAIN CURRENT PASSWORD;
SQL
echo "database $WANDB_DATABASE and user $WANDB_USER are ready"
"""
"""`RETAIN CURRENT PASSWORD` lets the password of before work too, until the next change: pods that still have it go on
until they are restarted. It comes last, because what fails after it would be tried again, and a second time forgets the
password of before. MySQL has it since 8.0.14, Aurora MySQL since 3 (its guide, "Password policies").

The client encrypts the connection where the server offers it (`--ssl-mode=PREFERRED`, its default since 5.7.11), so a
server with `require_secure_transport` takes it."""


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
    pull_secrets: Sequence[str] = ()
    """Secrets in `namespace` by which the image is pulled."""


class MySQLDatabase(pulumi.ComponentResource):
    """The database, user and grants that W&B needs, made by a Job that can run again at any time.

    A second run changes nothing, unless W&B's password is another one: then it sets that, and the one of before works on
    until the next change. The character set is utf8mb4 with utf8mb4_general_ci, the grants are all on this database with
    GRANT OPTION, as W&B's bare-metal guide asks.
    """

    outputs: contracts.MySQL
    """The database as it was asked for; its host is known once the database is there."""

    def __init__(self, name: str, args: MySQLDatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("wandb:index:MySQLDatabase", name, {}, opts)
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
            revision=server.password.version,
            pull_secrets=args.pull_secrets,
        )
        job = Job(
            f"{name}-job",
            metadata=job_metadata(name, "mysql-database", args.namespace),
            spec=job_spec(task),
            opts=pulumi.ResourceOptions(parent=self, provider=args.provider, depends_on=args.depends_on),
        )
        self.outputs = dataclasses.replace(server, host=after(server.host, job))
        self.register_outputs({"host": self.outputs.host})
