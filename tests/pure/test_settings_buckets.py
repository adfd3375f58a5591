"""Buckets of every store: what is accepted can be set up, and what users read where it cannot."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arguments.shared import _bucket, identity_of
from components import contracts
from components.clickhouse import BackupArgs
from settings import InvalidSettings, Settings, parse
from settings.identity import WorkloadIdentity
from settings.stores import ExternalObjectStore
from tests.harness import clickhouse_space as space

KEYS = {"name": "keys"}
CLIENT = "01234567-89ab-cdef-0123-456789abcdef"
AZURE = {"azureClientId": CLIENT}
ROLE = {"roleArn": "arn:aws:iam::123456789012:role/wandb"}
GOOGLE = {"googleServiceAccount": "wandb-files@my-project.iam.gserviceaccount.com"}
MINIO = {"name": "traces", "endpoint": "https://minio.example.com:9000", "keysSecret": KEYS}
BACKUPS = {"name": "backups", "keysSecret": KEYS}
DATA, BACKUP = "objectStore.clickhouseBucket", "clickhouse.backup.bucket"


def document(
    data: dict[str, Any], backups: dict[str, Any] | None = None, wandb: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    """A stack with these buckets."""
    return {
        "environment": "test",
        "host": "wandb.example.com",
        "license": "text",
        "ingress": {"className": "nginx"},
        "objectStore": {
            "kind": "external",
            "bucket": wandb or {"provider": "s3", "name": "files"},
            "clickhouseBucket": data,
        },
        "clickhouse": {"kind": "managed", **({"backup": {"bucket": backups}} if backups else {})},
        **more,
    }


def read(given: dict[str, Any]) -> Settings:
    return parse(given, secret_keys=["wandb:license"])


def problems(given: dict[str, Any]) -> dict[str, str]:
    try:
        read(given)
    except InvalidSettings as error:
        return {each.key.removeprefix("wandb:"): str(each) for each in error.problems}
    return {}


@pytest.mark.parametrize(
    "data",
    [
        {"name": "traces"},
        {"name": "traces", "identity": ROLE},
        {"name": "traces", "keysSecret": KEYS, "kmsKey": "arn:aws:kms:eu-west-1:123456789012:key/1"},
        MINIO,
        MINIO | {"caSecret": {"name": "ca", "key": "ca.crt"}},
        {"provider": "gcs", "name": "traces"},
        {"provider": "gcs", "name": "traces", "identity": GOOGLE},
        {"provider": "gcs", "name": "traces", "keysSecret": KEYS},
        {"provider": "az", "name": "account/traces", "identity": AZURE},
        {"provider": "az", "name": "account/traces", "keysSecret": KEYS},
        {"provider": "cw", "name": "traces", "keysSecret": KEYS},
    ],
)
def test_every_store_can_be_had_with_every_way_in(data: dict[str, Any]) -> None:
    assert problems(document(data, BACKUPS)) == {}


CASES: list[tuple[dict[str, Any], str, str]] = [
    (document({"provider": "cw", "name": "traces"}), f"{DATA}.keysSecret", "no identity of pods"),
    (document({"provider": "az", "name": "account/traces"}), f"{DATA}.identity.azureClientId", "client id of a"),
    (document({"provider": "az", "name": "traces", "keysSecret": KEYS}), f"{DATA}.name", "`account/container`"),
    (document({"provider": "az", "name": "my-account/x1", "keysSecret": KEYS}), f"{DATA}.name", "3 to 24 letters"),
    (document({"provider": "gcs", "name": "traces/b1"}), f"{DATA}.name", "name of the bucket alone"),
    (document({"name": "x" * 70}), f"{DATA}.name", "3 to 63"),
    (document({"name": "traces-"}), f"{DATA}.name", "ending with a letter or digit"),
    (document({"name": "traces", "region": "eu west"}), f"{DATA}.region", "letters, digits and hyphens"),
    (document({"provider": "gcs", "name": "traces", "kmsKey": "k"}), f"{DATA}.kmsKey", "on the bucket itself"),
    (document({"name": "traces", "caSecret": {"name": "ca", "key": "x"}}), f"{DATA}.caSecret", "without an endpoint"),
    (
        document(MINIO | {"endpoint": "http://minio:9000", "caSecret": {"name": "ca", "key": "x"}}),
        f"{DATA}.caSecret",
        "Use https",
    ),
    (document({"name": "traces", "identity": ROLE, "keysSecret": KEYS}), f"{DATA}.identity", "Keep one"),
    (document({"name": "traces", "identity": AZURE}), f"{DATA}.identity.azureClientId", "`provider` is s3"),
    (document({"provider": "gcs", "name": "traces", "identity": ROLE}), f"{DATA}.identity.roleArn", "is gcs"),
    (
        document({"name": "traces", "identity": {"roleArn": "wandb"}}),
        f"{DATA}.identity.roleArn",
        "is not an ARN",
    ),
    (
        document({"provider": "gcs", "name": "t-1", "identity": {"googleServiceAccount": "me@gmail.com"}}),
        f"{DATA}.identity.googleServiceAccount",
        "`wandb-files@my-project.iam.gserviceaccount.com`",
    ),
    (
        document({"name": "traces"}, wandb={"provider": "gcs", "name": "files", "keysSecret": KEYS}),
        "objectStore.bucket.keysSecret",
        "https://storage.googleapis.com",
    ),
    (document({"name": "traces"}, {"name": "traces", "keysSecret": KEYS}), f"{BACKUP}.name", "another bucket"),
    (document({"name": "traces"}, {"name": "files", "keysSecret": KEYS}), f"{BACKUP}.name", "another bucket"),
    (
        document({"name": "traces"}, {"provider": "cw", "name": "backups", "keysSecret": KEYS}),
        f"{BACKUP}.provider",
        "list and delete no objects",
    ),
    (document(MINIO, {"name": "backups"}), f"{BACKUP}.keysSecret", "keys of another store"),
    (
        document({"name": "traces"}, {"provider": "az", "name": "account/b-1", "identity": AZURE}),
        f"{BACKUP}.keysSecret",
        "no identity in Azure",
    ),
    (
        document({"name": "traces"}, {"name": "backups", "endpoint": "https://minio:9000"}),
        f"{BACKUP}.keysSecret",
        "knows no cloud identity",
    ),
    (
        document(
            MINIO | {"caSecret": {"name": "ca", "key": "x"}},
            MINIO | {"name": "backups", "caSecret": {"name": "other", "key": "x"}},
        ),
        f"{BACKUP}.caSecret",
        "into one key",
    ),
    (
        document({"name": "traces", "identity": ROLE}, target="aws", ingress=None)
        | {"aws": {"region": "eu-west-1", "accountId": "123456789012"}},
        f"{DATA}.identity",
        "the stack makes a role",
    ),
]


@pytest.mark.parametrize(("given", "key", "part"), CASES, ids=[f"{key}: {part}" for _, key, part in CASES])
def test_what_cannot_be_set_up_is_refused_with_its_key(given: dict[str, Any], key: str, part: str) -> None:
    found = problems({name: value for name, value in given.items() if value is not None})
    assert part in found.get(key, ""), found


def test_every_wrong_bucket_is_reported_at_once() -> None:
    found = problems(
        document(
            {"provider": "az", "name": "traces", "kmsKey": "k", "region": "a b"},
            {"provider": "cw", "name": "backups", "identity": ROLE},
            {"provider": "gcs", "name": "files", "keysSecret": KEYS},
        )
    )
    assert found.keys() == {
        f"{DATA}.name",
        f"{DATA}.kmsKey",
        f"{DATA}.region",
        f"{DATA}.identity.azureClientId",
        f"{BACKUP}.provider",
        f"{BACKUP}.identity.roleArn",
        "objectStore.bucket.keysSecret",
    }


def test_pods_carry_what_their_cloud_looks_for() -> None:
    assert identity_of(None) == contracts.Identity()
    made = identity_of(WorkloadIdentity.model_validate(AZURE | {"podLabels": {"team": "ml"}}))
    assert made.service_account_annotations == {"azure.workload.identity/client-id": CLIENT}
    assert made.pod_labels == {"azure.workload.identity/use": "true", "team": "ml"}
    role = identity_of(WorkloadIdentity.model_validate(ROLE)).service_account_annotations
    assert role == {"eks.amazonaws.com/role-arn": ROLE["roleArn"]}
    account = identity_of(WorkloadIdentity.model_validate(GOOGLE)).service_account_annotations
    assert account == {"iam.gke.io/gcp-service-account": GOOGLE["googleServiceAccount"]}


_names = st.sampled_from(["traces", "my.data", "d-1", "x", "a/b", "account/traces", "x" * 64, "account/-x"])
_buckets = st.fixed_dictionaries(
    {"provider": st.sampled_from(["s3", "gcs", "az", "cw"]), "name": _names},
    optional={
        "region": st.sampled_from(["us-east-1", "US-EAST-04A", "eu west"]),
        "endpoint": st.sampled_from(["https://minio.example.com", "http://10.0.0.7:9000"]),
        "keysSecret": st.just(KEYS),
        "identity": st.sampled_from([ROLE, GOOGLE, AZURE, {}]),
        "kmsKey": st.just("arn:aws:kms:eu-west-1:123456789012:key/1"),
        "caSecret": st.sampled_from([{"name": "ca", "key": "ca.crt"}, {"name": "other", "key": "ca.crt"}]),
    },
)


@settings(max_examples=400, suppress_health_check=list(HealthCheck))
@given(_buckets, st.none() | _buckets)
def test_whatever_the_settings_accept_the_component_accepts(data: dict[str, Any], backups: dict[str, Any]) -> None:
    try:
        accepted = read(document(data, backups))
    except InvalidSettings:
        return
    assert isinstance(accepted.object_store, ExternalObjectStore)
    assert accepted.object_store.clickhouse_bucket is not None
    asked = accepted.managed_clickhouse.backup if accepted.managed_clickhouse else None
    space.clickhouse(
        bucket=_bucket(accepted.object_store.clickhouse_bucket),
        backup=BackupArgs(bucket=_bucket(asked.bucket)) if asked and asked.bucket else None,
    )
