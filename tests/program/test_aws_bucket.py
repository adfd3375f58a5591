"""A bucket as requests: private, encrypted, versioned, never emptied by a rule, and handed out only when all of it holds."""

from __future__ import annotations

import functools
import json
from typing import Any

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi_aws import ec2, s3

from components.aws.account import Account, aws_provider
from components.aws.bucket import Bucket, BucketArgs, Replication, lifecycle_rules
from tests.harness import Recording, Resource, record_function
from tests.harness.policies import findings

KEY = "arn:aws:kms:eu-central-1:123456789012:key/stack"
ORIGIN = "https://wandb.example.com"
COPIES = Replication(
    bucket_arn="arn:aws:s3:::copies", region="eu-west-1", key_arn="arn:aws:kms:eu-west-1:123456789012:key/copies"
)
CORS = "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration"
LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
REPLICATION = "aws:s3/bucketReplicationConfig:BucketReplicationConfig"
VERSIONING = "aws:s3/bucketVersioning:BucketVersioning"
BUCKET = "aws:s3/bucket:Bucket"


def program(**changes: Any) -> None:
    provider = aws_provider("aws", region="eu-central-1", account_id="123456789012", tags={})
    account = Account(provider=provider, region="eu-central-1", id="123456789012")
    given: dict[str, Any] = {"account": account, "key_arn": KEY, "cors_origins": [ORIGIN]}
    made = Bucket("wandb", BucketArgs(**given | changes))
    # stand for a workload that writes to the bucket, and for a policy that names it
    child = pulumi.ResourceOptions(provider=provider)
    s3.BucketObjectv2("workload", bucket=made.outputs.name, key="key", opts=child)
    ec2.Tag("policy", resource_id="any", key="bucket", value=made.arn, opts=child)
    pulumi.export("region", made.outputs.region)
    pulumi.export("key", made.outputs.kms_key)


@functools.cache
def run(**changes: Any) -> Recording:
    return record_function(lambda: program(**changes))


def one(recording: Recording, token: str) -> Resource:
    (found,) = recording.recorder.of_type(token)
    return found


def document(text: str) -> dict[str, Any]:
    """A policy, with an ARN in place of what the recorder invents for one."""
    return json.loads(text.replace("wandb-arn", "arn:aws:s3:::wandb"))


def types_before(recording: Recording, token: str) -> set[str]:
    recorder = recording.recorder
    return {recorder.resources_by_urn[urn].type for urn in recorder.before(one(recording, token).urn)}


def test_nobody_but_the_account_reaches_the_bucket_and_no_acl_counts() -> None:
    block = one(run(), "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock").inputs
    assert [block[key] for key in block if key != "bucket"] == [True] * 4
    ownership = one(run(), "aws:s3/bucketOwnershipControls:BucketOwnershipControls").inputs
    assert ownership["rule"] == {"objectOwnership": "BucketOwnerEnforced"}


def test_objects_are_encrypted_with_the_stacks_key_by_way_of_a_bucket_key() -> None:
    token = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
    (rule,) = one(run(), token).inputs["rules"]
    assert rule["applyServerSideEncryptionByDefault"] == {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": KEY}
    assert rule["bucketKeyEnabled"] is True


def test_the_policy_refuses_whoever_comes_without_tls() -> None:
    policy = json.loads(one(run(), "aws:s3/bucketPolicy:BucketPolicy").inputs["policy"])
    assert {each["Effect"] for each in policy["Statement"]} == {"Deny"}
    assert policy["Statement"][0]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_w_and_bs_pages_may_read_and_write_and_no_others() -> None:
    (rule,) = one(run(), CORS).inputs["corsRules"]
    assert rule == {
        "allowedOrigins": [ORIGIN],
        "allowedMethods": ["GET", "HEAD", "PUT"],
        "allowedHeaders": ["*"],
        "exposeHeaders": ["ETag"],
        "maxAgeSeconds": 3000,
    }


def test_a_bucket_that_no_browser_uses_has_no_cors() -> None:
    assert not run(cors_origins=()).recorder.of_type(CORS)


def test_what_is_deleted_or_overwritten_can_be_brought_back() -> None:
    assert one(run(), VERSIONING).inputs["versioningConfiguration"] == {"status": "Enabled"}
    assert VERSIONING in types_before(run(), LIFECYCLE)


@given(st.integers(1, 3650), st.integers(1, 3650))
def test_no_lifecycle_rule_touches_a_current_object(noncurrent_days: int, multipart_days: int) -> None:
    for rule in lifecycle_rules(noncurrent_days, multipart_days):
        assert "transitions" not in rule
        assert rule.get("expiration") in (None, {"expired_object_delete_marker": True})


def test_the_lifecycle_that_is_asked_for_is_the_one_that_is_checked() -> None:
    rules = {each["id"]: each for each in one(run(noncurrent_days=90, multipart_days=3), LIFECYCLE).inputs["rules"]}
    assert rules["noncurrent-versions"]["noncurrentVersionExpiration"] == {"noncurrentDays": 90}
    assert rules["noncurrent-versions"]["expiration"] == {"expiredObjectDeleteMarker": True}
    assert rules["unfinished-uploads"]["abortIncompleteMultipartUpload"] == {"daysAfterInitiation": 3}


def test_a_workload_gets_the_bucket_once_what_it_writes_is_safe() -> None:
    before = types_before(run(replication=COPIES), "aws:s3/bucketObjectv2:BucketObjectv2")
    assert before >= {
        "aws:s3/bucketPolicy:BucketPolicy",
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        VERSIONING,
        CORS,
        REPLICATION,
    }
    assert LIFECYCLE not in before, "what it removes a month from now nobody waits for"


def test_a_policy_that_names_the_bucket_waits_for_the_bucket_alone() -> None:
    types = types_before(run(replication=COPIES), "aws:ec2/tag:Tag")
    assert {each for each in types if each.startswith("aws:s3/")} == {BUCKET}


def test_the_bucket_is_handed_on_with_its_region_and_key() -> None:
    assert run().exports == {"region": "eu-central-1", "key": KEY}


def test_the_bucket_gets_a_name_that_no_other_has() -> None:
    assert "bucket" not in one(run(), BUCKET).inputs


def test_a_protected_bucket_stays_and_is_never_emptied() -> None:
    protected = one(run(protect=True), BUCKET)
    assert protected.protected
    assert protected.inputs["forceDestroy"] is False
    assert one(run(force_destroy=True), BUCKET).inputs["forceDestroy"] is True
    with pytest.raises(ValueError, match="force_destroy: a protected bucket is never emptied"):
        run(protect=True, force_destroy=True)


def test_every_object_is_copied_with_the_key_of_the_copies() -> None:
    replication = one(run(replication=COPIES), REPLICATION)
    (rule,) = replication.inputs["rules"]
    assert rule["destination"] == {
        "bucket": "arn:aws:s3:::copies",
        "encryptionConfiguration": {"replicaKmsKeyId": COPIES.key_arn},
    }
    assert rule["sourceSelectionCriteria"] == {"sseKmsEncryptedObjects": {"status": "Enabled"}}
    assert rule["deleteMarkerReplication"] == {"status": "Enabled"}
    assert {VERSIONING, "aws:iam/rolePolicy:RolePolicy"} <= types_before(run(replication=COPIES), REPLICATION)


def test_the_role_that_copies_may_only_copy() -> None:
    recording = run(replication=COPIES)
    policy = document(one(recording, "aws:iam/rolePolicy:RolePolicy").inputs["policy"])
    trust = document(one(recording, "aws:iam/role:Role").inputs["assumeRolePolicy"])
    assert not findings(policy)
    assert not findings(trust, "trust")
    assert trust["Statement"][0]["Principal"] == {"Service": "s3.amazonaws.com"}


def test_copies_in_another_account_belong_to_it() -> None:
    foreign = Replication(
        bucket_arn=COPIES.bucket_arn, region=COPIES.region, key_arn=COPIES.key_arn, account_id="210987654321"
    )
    (rule,) = one(run(replication=foreign), REPLICATION).inputs["rules"]
    assert rule["destination"]["account"] == "210987654321"
    assert rule["destination"]["accessControlTranslation"] == {"owner": "Destination"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bucket_arn": "copies"}, "'copies' is no ARN"),
        (
            {"bucket_arn": "arn:aws:sqs:eu-west-1:123456789012:copies"},
            "is no bucket; give one such as arn:aws:s3:::copies",
        ),
        ({"key_arn": KEY}, "is no KMS key in eu-west-1"),
    ],
)
def test_a_target_that_s3_would_refuse_is_refused_at_once(changes: dict[str, str], message: str) -> None:
    given = {"bucket_arn": COPIES.bucket_arn, "region": COPIES.region, "key_arn": COPIES.key_arn}
    with pytest.raises(ValueError, match=message):
        Replication(**given | changes)


@pytest.mark.parametrize("field", ["noncurrent_days", "multipart_days"])
def test_a_day_is_the_least_that_s3_counts(field: str) -> None:
    with pytest.raises(ValueError, match=f"{field}: 0 given"):
        run(**{field: 0})


@pytest.mark.parametrize("preview", [True, False])
def test_a_preview_asks_for_the_same_resources_as_an_update(preview: bool) -> None:
    recording = record_function(lambda: program(replication=COPIES), preview=preview)
    assert recording.recorder.resources_by_urn.keys() == run(replication=COPIES).recorder.resources_by_urn.keys()
