"""Rules about ARNs: their partition, region and account are the stack's, where AWS asks for that."""

from __future__ import annotations

from dataclasses import dataclass

from ..arns import parts
from ..aws import AWS, ExistingCluster, ManagedCluster
from ..model import Settings
from ..problems import problem
from ..regions import REGIONS
from ..stores import ManagedMySQL, ManagedObjectStore
from .aws_base import aws_of
from .registry import Problems, rule


@dataclass(frozen=True, kw_only=True)
class _Named:
    """An ARN in the settings. `region`, `account`: what it must have there, and why; None: anything."""

    path: str
    arn: str | None
    region: str | None = None
    account: str | None = None
    why: str = ""


@rule
def _assumed_role(settings: Settings) -> Problems:
    aws = aws_of(settings)
    if aws:
        why = "Pulumi would work in that account"
        yield from _check(
            aws, _Named(path="aws.assumeRoleArn", arn=aws.assume_role_arn, account=aws.account_id, why=why)
        )


@rule
def _key(settings: Settings) -> Problems:
    aws = aws_of(settings)
    if aws:
        why = "keys encrypt only in their own region"
        yield from _check(aws, _Named(path="aws.kmsKeyArn", arn=aws.kms_key_arn, region=aws.region, why=why))


@rule
def _certificate(settings: Settings) -> Problems:
    aws = aws_of(settings)
    if aws:
        named = _Named(
            path="aws.certificateArn",
            arn=aws.certificate_arn,
            region=aws.region,
            account=aws.account_id,
            why="a load balancer takes certificates of its own region and account",
        )
        yield from _check(aws, named)


@rule
def _web_acl(settings: Settings) -> Problems:
    aws = aws_of(settings)
    if aws:
        named = _Named(
            path="aws.loadBalancer.wafAclArn",
            arn=aws.load_balancer.waf_acl_arn,
            region=aws.region,
            account=aws.account_id,
            why="a load balancer takes a web ACL of its own region and account",
        )
        yield from _check(aws, named)


@rule
def _of_the_cluster(settings: Settings) -> Problems:
    aws = aws_of(settings)
    if aws is None:
        return
    if isinstance(aws.cluster, ManagedCluster):
        for index, each in enumerate(aws.cluster.admin_arns):
            yield from _check(aws, _Named(path=f"aws.cluster.adminArns[{index}]", arn=each))
    if isinstance(aws.cluster, ExistingCluster):
        named = _Named(
            path="aws.cluster.oidcProviderArn",
            arn=aws.cluster.oidc_provider_arn,
            account=aws.account_id,
            why="roles trust an OIDC provider of their own account",
        )
        yield from _check(aws, named)


@rule
def _snapshot(settings: Settings) -> Problems:
    aws = aws_of(settings)
    if aws is None or not isinstance(settings.mysql, ManagedMySQL) or settings.mysql.snapshot_id is None:
        return
    text = settings.mysql.snapshot_id
    if not text.startswith("arn:"):
        return
    if ":cluster-snapshot:" not in text or text.count(":") < 6:
        yield problem(
            "mysql.snapshotId",
            f"is not the ARN of a database cluster's snapshot (got {text})",
            "Give the snapshot's name, or an ARN with `:cluster-snapshot:` in it.",
        )
        return
    why = "copy the snapshot there first"
    yield from _check(aws, _Named(path="mysql.snapshotId", arn=text, region=aws.region, why=why))


@rule
def _replication(settings: Settings) -> Problems:
    aws, store = aws_of(settings), settings.object_store
    if aws is None or not isinstance(store, ManagedObjectStore) or store.replication is None:
        return
    copies = store.replication
    yield from _check(aws, _Named(path="objectStore.replication.bucketArn", arn=copies.bucket_arn))
    yield from _check(aws, _Named(path="objectStore.replication.kmsKeyArn", arn=copies.kms_key_arn))


def _check(aws: AWS, named: _Named) -> Problems:
    if named.arn is None:
        return
    found = parts(named.arn)
    partition = REGIONS[aws.region].partition
    if found.partition != partition:
        yield problem(
            named.path,
            f"is of partition {found.partition}, and region {aws.region} of partition {partition} (got {named.arn})",
            f"Give an ARN that begins with `arn:{partition}:`.",
        )
        return
    yield from _same(named, "region", found.region, named.region)
    yield from _same(named, "account", found.account, named.account)


def _same(named: _Named, what: str, found: str, wanted: str | None) -> Problems:
    if wanted is not None and found != wanted:
        yield problem(
            named.path,
            f"is of {what} {found or 'none'}, and not of {wanted} (got {named.arn})",
            f"Give one of {what} {wanted}: {named.why}.",
        )
