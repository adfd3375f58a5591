"""The user of ClickHouse that makes backups, and its password."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_random

from .. import contracts
from ..credentials import random_text, secret
from ..later import lift
from . import users

NAME = "backup"


@dataclass(frozen=True, kw_only=True)
class BackupUser:
    """The user, its password by reference, both keys in the namespace of ClickHouse."""

    name: str
    databases: Sequence[str]
    """What it may back up."""
    password_hash: contracts.SecretKey
    password: contracts.SecretKey
    digest: pulumi.Input[str]
    """Changes when the password does, and tells nothing about it."""


def databases(database: str) -> tuple[str, str]:
    """What a backup holds: Weave's data, and the state of its migrations, without which Weave would run them again."""
    return (database, users.MIGRATIONS_DATABASE)


def create(
    name: str,
    *,
    cluster: contracts.Cluster,
    random_provider: pulumi_random.Provider,
    namespace: pulumi.Input[str],
    database: str,
    password_revision: int,
    parent: pulumi.Resource,
) -> BackupUser:
    """Makes a random password and keeps it in a Secret beside the servers."""
    revision = users.changed(password_revision)
    password = random_text(f"{name}-password", random_provider, parent=parent, revision=revision)
    made = secret(
        name,
        name=f"clickhouse-{NAME}-user",
        namespace=namespace,
        values={"password_sha256_hex": lift(users.password_hash, password), "password": password},
        opts=pulumi.ResourceOptions(parent=parent, provider=cluster.provider),
    )
    return BackupUser(
        name=NAME,
        databases=databases(database),
        password_hash=made,
        password=contracts.SecretKey(name=made.name, key="password"),
        digest=pulumi.Output.unsecret(pulumi.Output.from_input(lift(users.digest, password))),
    )


def settings(user: BackupUser, networks: Sequence[str]) -> dict[str, Any]:
    """The `users` section for `user`: it can write a backup to the disk for backups, and see that of its databases which
    says whether a replica is fit for it. It reads, writes and restores nothing. With keys of its own in SQL it can back up to
    any S3 store that the servers reach: ClickHouse knows no grant that forbids it.
    """
    return {
        f"{user.name}/password_sha256_hex": {
            "valueFrom": {"secretKeyRef": {"name": user.password_hash.name, "key": user.password_hash.key}}
        },
        f"{user.name}/networks/ip": list(networks),
        f"{user.name}/profile": "default",
        f"{user.name}/quota": "default",
        f"{user.name}/grants/query": [
            *(f"GRANT SHOW, BACKUP ON {database}.*" for database in user.databases),
            *(f"GRANT SELECT ON system.{table}" for table in ("backups", "databases", "replicas")),
        ],
    }
