"""The ClickHouse user that W&B Weave connects as, and its password."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_random

from .. import contracts
from ..credentials import random_text, secret
from ..later import lift

MIGRATIONS_DATABASE = "db_management"
"""Where Weave keeps the state of its migrations, beside its own database."""
PRIVATE_NETWORKS = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
"""Where pods have their addresses. Which pods may connect is the NetworkPolicy's matter."""


@dataclass(frozen=True, kw_only=True)
class User:
    """A user of ClickHouse, its password by reference."""

    name: str
    database: str
    password_hash: contracts.SecretKey
    """SHA-256 in hexadecimal, in the namespace of ClickHouse; all that the servers are told."""
    password: contracts.SecretKey
    """In the namespace of ClickHouse, for the readiness Job."""
    digest: pulumi.Input[str]
    """Changes when the password does, and tells nothing about it."""
    distributed: bool = False
    """Whether its tables are spread over shards."""


@dataclass(frozen=True, kw_only=True)
class UserArgs:
    """Who the user is, and where its Secrets lie."""

    cluster: contracts.Cluster
    random_provider: pulumi_random.Provider
    namespaces: contracts.Namespaces
    name: str
    database: str
    distributed: bool = False
    password_revision: int = 1
    """Another one makes another password."""


def create(name: str, args: UserArgs, *, parent: pulumi.Resource) -> tuple[User, pulumi.Output[str]]:
    """Makes a random password and keeps it in a Secret beside the servers. Returns it, too, for `client_secret`."""
    password = random_text(
        f"{name}-password", args.random_provider, parent=parent, revision=changed(args.password_revision)
    )
    opts = pulumi.ResourceOptions(parent=parent, provider=args.cluster.provider)
    server = secret(
        f"{name}-server",
        name=f"{_secret_name(args.name)}-user",
        namespace=args.namespaces.clickhouse,
        values={"password_sha256_hex": lift(password_hash, password), "password": password},
        opts=opts,
    )
    made = User(
        name=args.name,
        database=args.database,
        password_hash=server,
        password=contracts.SecretKey(name=server.name, key="password"),
        digest=pulumi.Output.unsecret(pulumi.Output.from_input(lift(digest, password))),
        distributed=args.distributed,
    )
    return made, password


def client_secret(
    name: str, args: UserArgs, password: pulumi.Output[str], *, parent: pulumi.Resource, after: pulumi.Resource
) -> contracts.SecretKey:
    """The password in the namespace of W&B, which learns a new one when the servers know it: `after`."""
    revision = changed(args.password_revision)
    return secret(
        f"{name}-client",
        name=_secret_name(args.name),
        namespace=args.namespaces.wandb,
        values={"CLICKHOUSE_PASSWORD": password},
        version=str(revision) if revision is not None else None,
        opts=pulumi.ResourceOptions(parent=parent, provider=args.cluster.provider, depends_on=[after]),
    )


def changed(revision: int) -> int | None:
    """The revision of a password, or None for the first, which was made before there were any."""
    return revision if revision > 1 else None


def _secret_name(user: str) -> str:
    return f"clickhouse-{user.lower().replace('_', '-')}"


def password_hash(password: str) -> str:
    """What ClickHouse compares a password with."""
    return hashlib.sha256(password.encode()).hexdigest()


def digest(password: str) -> str:
    """A fingerprint of a password to show in annotations; keyed, because a plain hash is what ClickHouse checks."""
    return hmac.new(b"wandb.pulumi/clickhouse", password.encode(), hashlib.sha256).hexdigest()[:16]


def settings(user: User, networks: Sequence[str]) -> dict[str, Any]:
    """The `users` section for `user`: its password's hash, where it may come from, and what it may do.

    The grants are those that Weave's migrations and queries need: its two databases, making them on the whole cluster,
    and reading the server's state. It can make no users and reach no other database or bucket; other hosts only where its
    tables are distributed, because ClickHouse 25.8 knows no narrower grant for making such a table.
    """
    return {
        # the only password entry; the operator drops a `password` beside it
        f"{user.name}/password_sha256_hex": {
            "valueFrom": {"secretKeyRef": {"name": user.password_hash.name, "key": user.password_hash.key}}
        },
        f"{user.name}/networks/ip": list(networks),
        f"{user.name}/profile": "default",
        f"{user.name}/quota": "default",
        f"{user.name}/grants/query": [
            f"GRANT ALL ON {user.database}.*",
            f"GRANT ALL ON {MIGRATIONS_DATABASE}.*",
            "GRANT CLUSTER ON *.*",
            "GRANT SELECT ON system.*",
            *(["GRANT REMOTE ON *.*"] if user.distributed else []),
        ],
    }
