"""Buckets and what is set on them.

Limits: S3 user guide, "General purpose bucket naming rules", "Setting lifecycle configuration", "CORS configuration".
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from rehearsal.providers.values import UNKNOWN, Properties

from ..behaviour import Behaviour, Moment, api_error, register
from .limits import known, text
from .references import KEY, lookup, named

BUCKET = "aws:s3/bucket:Bucket"
OBJECTS = "objects in "
"""Fact about a bucket: what lies in it. Stand-ins that write objects say so, and tests may."""
_METHODS = ("GET", "PUT", "POST", "DELETE", "HEAD")
_CORS_RULES = 100
_LIFECYCLE_RULES = 1000
_POLICY_BYTES = 20480
_FORBIDDEN_STARTS = ("xn--", "sthree-", "amzn-s3-demo-")
_FORBIDDEN_ENDS = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
_CONFIGURATIONS = (
    "aws:s3/bucketPolicy:BucketPolicy",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    "aws:s3/bucketVersioning:BucketVersioning",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration",
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
    "aws:s3/bucketLogging:BucketLogging",
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig",
    "aws:s3/bucketNotification:BucketNotification",
)


@register(BUCKET)
class Bucket(Behaviour):
    """A bucket; its name is unique in the whole partition."""

    def check(self, at: Moment, inputs: Mapping[str, Any]) -> Iterable[str]:
        """The name."""
        name = text(inputs, "bucket")
        if name is None:
            return
        if not re.fullmatch(r"[a-z0-9](?!.*\.\.)[a-z0-9.-]{1,61}[a-z0-9]", name) or _is_address(name):
            yield f"bucket: {name!r} is not a valid bucket name: 3 to 63 lower-case letters, digits, hyphens and dots, no IP address"
        if name.startswith(_FORBIDDEN_STARTS) or name.endswith(_FORBIDDEN_ENDS):
            yield f"bucket: {name!r} begins or ends with what S3 keeps for itself"

    def admit(self, at: Moment, inputs: Mapping[str, Any]) -> None:
        """Someone else may have the name."""
        if inputs["bucket"] in at.account.facts("bucket names of others"):
            message = (
                "The requested bucket name is not available. The bucket namespace is shared by all users of the system. "
                "Please select a different name and try again."
            )
            raise api_error("S3", "CreateBucket", "BucketAlreadyExists", message, status=409)

    def outputs(self, at: Moment, resource_id: str, outputs: Properties) -> Properties:
        """Names under which it is reached."""
        return {
            "arn": at.arn("s3", resource_id, region="", account=""),
            "bucketDomainName": f"{resource_id}.s3.{at.dns_suffix}",
            "bucketRegionalDomainName": f"{resource_id}.s3.{at.region}.{at.dns_suffix}",
            "hostedZoneId": _HOSTED_ZONES.get(at.region, "Z3AQBSTGFYJSTF"),
            "bucketRegion": at.region,
            "forceDestroy": outputs.get("forceDestroy", False),
            "objectLockEnabled": outputs.get("objectLockEnabled", False),
            "bucketPrefix": outputs.get("bucketPrefix") or "",
            "requestPayer": "BucketOwner",
        }

    def admit_delete(self, at: Moment, outputs: Mapping[str, Any]) -> None:
        """Only an empty one, unless the provider may empty it."""
        if at.account.facts(f"{OBJECTS}{at.id}") and not outputs.get("forceDestroy"):
            message = "The bucket you tried to delete is not empty. You must delete all versions in the bucket."
            raise api_error("S3", "DeleteBucket", "BucketNotEmpty", message, status=409)


@register(*_CONFIGURATIONS)
class Configuration(Behaviour):
    """One configuration of each kind for each bucket; a second one overwrites the first without a word."""

    def identify(self, at: Moment, inputs: Mapping[str, Any]) -> str | None:
        """The bucket's name."""
        return inputs["bucket"]

    def admit(self, at: Moment, inputs: Mapping[str, Any]) -> None:
        """Two in one program fight for ever, so the stand-in refuses the second."""
        if at.account.get(at.token, inputs["bucket"]):
            kind = at.token.rpartition(":")[2]
            message = f"{inputs['bucket']} has a {kind} already, which this would silently replace"
            raise api_error("S3", f"Put{kind}", "OperationAborted", message, status=409)


@register("aws:s3/bucketPolicy:BucketPolicy")
class BucketPolicy(Behaviour):
    """Who may do what with the bucket."""

    def check(self, at: Moment, inputs: Mapping[str, Any]) -> Iterable[str]:
        """JSON, its size, its partition."""
        policy = inputs.get("policy")
        if not isinstance(policy, str) or policy == UNKNOWN:
            return
        try:
            found = json.loads(policy)
        except ValueError as error:
            yield f'"policy" contains an invalid JSON policy: {error}'
            return
        if len(policy.encode()) > _POLICY_BYTES:
            yield f"policy: at most {_POLICY_BYTES} bytes, got {len(policy.encode())}"
        for statement in found.get("Statement") or ():
            if "Principal" not in statement and "NotPrincipal" not in statement:
                yield "policy: MalformedPolicy: Missing required field Principal"
        for other in sorted({arn.split(":")[1] for arn in re.findall(r"arn:[a-z-]+:", policy)} - {at.partition}):
            yield f"policy: MalformedPolicy: Policy has invalid resource: the partition {other}, and this is {at.partition}"

    def admit(self, at: Moment, inputs: Mapping[str, Any]) -> None:
        """Its resources are this bucket's."""
        own = at.arn("s3", inputs["bucket"], region="", account="")
        for statement in json.loads(inputs["policy"]).get("Statement") or ():
            resources = statement.get("Resource") or []
            for each in [resources] if isinstance(resources, str) else resources:
                if each != "*" and each != own and not each.startswith(f"{own}/"):
                    raise api_error("S3", "PutBucketPolicy", "MalformedPolicy", f"Policy has invalid resource: {each}")


@register("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration")
class Lifecycle(Behaviour):
    """Rules that expire what is old."""

    def check(self, at: Moment, inputs: Mapping[str, Any]) -> Iterable[str]:
        """Each rule does something, under an id of its own."""
        rules = [each for each in inputs.get("rules") or () if isinstance(each, Mapping)]
        if len(rules) > _LIFECYCLE_RULES:
            yield f"rules: at most {_LIFECYCLE_RULES}"
        ids = [each.get("id") for each in rules if known(each.get("id"))]
        yield from (
            f"rules: the id {each!r} is given twice" for each in sorted({each for each in ids if ids.count(each) > 1})
        )
        actions = (
            "expiration",
            "noncurrentVersionExpiration",
            "transitions",
            "noncurrentVersionTransitions",
            "abortIncompleteMultipartUpload",
        )
        for rule in rules:
            if not any(rule.get(each) for each in actions):
                yield f"rules: {rule.get('id')}: MalformedXML: at least one action must be specified in a rule"
            if isinstance(rule.get("id"), str) and len(rule["id"]) > 255:
                yield "rules: an id has at most 255 characters"


@register("aws:s3/bucketCorsConfiguration:BucketCorsConfiguration")
class Cors(Behaviour):
    """Which web pages may talk to the bucket."""

    def check(self, at: Moment, inputs: Mapping[str, Any]) -> Iterable[str]:
        """Methods and origins."""
        rules = [each for each in inputs.get("corsRules") or () if isinstance(each, Mapping)]
        if len(rules) > _CORS_RULES:
            yield f"corsRules: at most {_CORS_RULES}"
        for rule in rules:
            yield from (
                f"corsRules: Found unsupported HTTP method in CORS config. Unsupported method is {each}"
                for each in named(rule, "allowedMethods")
                if each != UNKNOWN and each not in _METHODS
            )
            for origin in named(rule, "allowedOrigins"):
                if origin.count("*") > 1:
                    yield f'corsRules: AllowedOrigin "{origin}" can not have more than one wildcard.'


@register("aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration")
class Encryption(Behaviour):
    """With which key the bucket's objects are encrypted."""

    def admit(self, at: Moment, inputs: Mapping[str, Any]) -> None:
        """S3 takes any key's name; what is written later fails when the key is not there."""
        for key in named(inputs, "rules.applyServerSideEncryptionByDefault.kmsMasterKeyId"):
            if not key.startswith("alias/") and ":alias/" not in key and lookup(at, KEY, "arn", key) is None:
                message = f"Key '{key}' does not exist: no object could be written to the bucket"
                raise api_error("S3", "PutBucketEncryption", "KMS.NotFoundException", message)


@register("aws:s3/bucketReplicationConfig:BucketReplicationConfig")
class Replication(Behaviour):
    """Copies to another bucket."""

    def admit(self, at: Moment, inputs: Mapping[str, Any]) -> None:
        """Both buckets keep versions."""
        versioned = {
            each["bucket"]
            for each in at.account.all("aws:s3/bucketVersioning:BucketVersioning")
            if (each.get("versioningConfiguration") or {}).get("status") == "Enabled"
        }
        if inputs["bucket"] not in versioned:
            message = "Versioning must be 'Enabled' on the bucket to apply a replication configuration"
            raise api_error("S3", "PutBucketReplication", "InvalidRequest", message)
        for arn in named(inputs, "rules.destination.bucket"):
            name = arn.rpartition(":")[2]
            if at.account.get(BUCKET, name) is None:
                raise api_error("S3", "PutBucketReplication", "InvalidRequest", "Destination bucket must exist.")
            if name not in versioned:
                message = "Destination bucket must have versioning enabled."
                raise api_error("S3", "PutBucketReplication", "InvalidRequest", message)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


_HOSTED_ZONES = {
    "eu-central-1": "Z21DNDUVLTQW6Q",
    "eu-west-1": "Z1BKCTXD74EZPE",
    "us-east-1": "Z3AQBSTGFYJSTF",
    "us-east-2": "Z2O1EMRO9K5GLX",
    "us-west-2": "Z3BJ6K6RIION7M",
}
"""Of website endpoints. Source: AWS General Reference, "Amazon S3 endpoints and quotas"."""
