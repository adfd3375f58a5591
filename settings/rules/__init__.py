"""Rules over several keys: what is right by itself, but not together.

Each rule is a generator of problems over the whole settings. A value that is wrong by itself is `UNDECIDABLE` here; a rule that
touches it is given up (`check`).

registry    what a rule is, and the list of all
targets     which keys belong to which target
general     licence, products, names, Ingress, containers; stores, buckets and clickhouse: the data stores
instance    how W&B itself is set up; single: its server in one container
network     who may connect to whom
air_gap     what would still reach out of a network without a way out
aws_...     what the target `aws` needs: network, cluster, the way in, ARNs, its data stores
"""

from __future__ import annotations

from collections.abc import Collection

from ..base import SecretText
from ..clickhouse import ExternalClickHouse
from ..lenient import Undecidable
from ..model import Settings
from ..problems import Problem, problem, without_values
from ..stores import ExternalMySQL, ExternalRedis
from ..surface import full
from . import (
    air_gap,
    aws_arns,
    aws_cluster,
    aws_entry,
    aws_network,
    aws_stores,
    buckets,
    clickhouse,
    general,
    instance,
    network,
    single,
    stores,
    targets,
)
from .registry import RULES, Problems

__all__ = [
    "air_gap",
    "aws_arns",
    "aws_cluster",
    "aws_entry",
    "aws_network",
    "aws_stores",
    "buckets",
    "check",
    "clickhouse",
    "general",
    "instance",
    "network",
    "single",
    "stores",
    "targets",
]


def check(settings: Settings, secret_keys: Collection[str]) -> list[Problem]:
    """Every problem that a rule finds. `secret_keys`: full keys whose values are encrypted in the stack file."""
    found: list[Problem] = []
    for rule in (*RULES, lambda each: _encrypted(each, secret_keys)):
        try:
            found.extend(rule(settings))
        except Undecidable:
            continue
    return [without_values(each) if _top(each.key) in secret_keys else each for each in found]


def _top(key: str) -> str:
    return key.partition(".")[0]


def _encrypted(settings: Settings, secret_keys: Collection[str]) -> Problems:
    """Secrets that stand in clear text in the stack file."""
    texts: list[tuple[str, object]] = [("license", settings.license)]
    for section, store in (("mysql", settings.mysql), ("redis", settings.redis), ("clickhouse", settings.clickhouse)):
        if isinstance(store, ExternalMySQL | ExternalRedis | ExternalClickHouse):
            texts.append((f"{section}.password", store.password))
    texts.extend(instance.texts_that_are_secret(settings))
    texts.extend(air_gap.texts_that_are_secret(settings))
    for path, text in texts:
        if isinstance(text, SecretText) and full(path.partition(".")[0]) not in secret_keys:
            flags = "--secret --path" if "." in path else "--secret"
            yield problem(
                path,
                "is not encrypted in the stack file",
                f"Run `pulumi config set {flags} {full(path)}`, and replace the value: whoever sees the file knows it.",
            )
