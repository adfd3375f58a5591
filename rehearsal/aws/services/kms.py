"""Keys and aliases."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from rehearsal.providers.values import UNKNOWN, Properties

from ..account import Record
from ..behaviour import Behaviour, Moment, api_error, register
from .iam import document
from .limits import between, matching
from .references import KEY, lookup

_DELETION_DAYS = (7, 30)
"""KMS API, ScheduleKeyDeletion, PendingWindowInDays."""
_ROTATION_DAYS = (90, 2560)
_POLICY_BYTES = 32768
"""KMS developer guide, "Resource quotas"."""


@register(KEY)
class Key(Behaviour):
    """A key; its deletion takes effect after a window in which it can be undone."""

    def check(self, at: Moment, inputs: Mapping[str, Any]) -> Iterable[str]:
        """Windows and policy."""
        yield from between(inputs, "deletionWindowInDays", *_DELETION_DAYS, "KMS API, ScheduleKeyDeletion")
        yield from between(inputs, "rotationPeriodInDays", *_ROTATION_DAYS, "KMS API, EnableKeyRotation")
        if not inputs.get("bypassPolicyLockoutSafetyCheck"):
            yield from _key_policy(inputs.get("policy"), at)

    def outputs(self, at: Moment, resource_id: str, outputs: Properties) -> Properties:
        """Defaults of the API."""
        lockout = {"Effect": "Allow", "Action": "kms:*", "Resource": "*", "Sid": "Enable IAM User Permissions"}
        root = {"AWS": at.arn("iam", "root", region="")}
        policy = json.dumps(
            {"Version": "2012-10-17", "Id": "key-default-1", "Statement": [lockout | {"Principal": root}]}
        )
        return {
            "keyId": resource_id,
            "policy": outputs.get("policy") or policy,
            "keyUsage": outputs.get("keyUsage") or "ENCRYPT_DECRYPT",
            "customerMasterKeySpec": outputs.get("customerMasterKeySpec") or "SYMMETRIC_DEFAULT",
            "isEnabled": outputs.get("isEnabled", True),
            "multiRegion": outputs.get("multiRegion", False),
            "description": outputs.get("description") or "",
            "enableKeyRotation": outputs.get("enableKeyRotation", False),
            "rotationPeriodInDays": outputs.get("rotationPeriodInDays") or 365,
        }

    def admit(self, at: Moment, inputs: Mapping[str, Any]) -> None:
        """Whom the policy names exists."""
        _known_principals(at, inputs.get("policy"))

    def admit_update(self, at: Moment, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        """The same for a changed policy."""
        _known_principals(at, new.get("policy"))

    def deleted(self, at: Moment, outputs: Mapping[str, Any]) -> None:
        """Pending deletion: what it encrypts is lost when the window ends."""
        at.account.remember("keys pending deletion", str(outputs.get("arn")))


@register("aws:kms/replicaKey:ReplicaKey")
class Replica(Behaviour):
    """A multi-region key in another region."""

    def admit(self, at: Moment, inputs: Mapping[str, Any]) -> None:
        """Its primary is a multi-region key."""
        primary: Record | None = lookup(at, KEY, "arn", inputs["primaryKeyArn"])
        if primary is None:
            raise api_error(
                "KMS", "ReplicateKey", "NotFoundException", f"Key '{inputs['primaryKeyArn']}' does not exist"
            )
        if not primary.get("multiRegion"):
            message = f"{inputs['primaryKeyArn']} is not a multi-Region primary key."
            raise api_error("KMS", "ReplicateKey", "UnsupportedOperationException", message)

    def identify(self, at: Moment, inputs: Mapping[str, Any]) -> str | None:
        """The primary's id, in this region."""
        return inputs["primaryKeyArn"].rpartition("/")[2]

    def outputs(self, at: Moment, resource_id: str, outputs: Properties) -> Properties:
        """As of its primary."""
        return {
            "arn": at.arn("kms", f"key/{resource_id}"),
            "keyId": resource_id,
            "keyUsage": "ENCRYPT_DECRYPT",
            "keySpec": "SYMMETRIC_DEFAULT",
            "keyRotationEnabled": True,
        }


@register("aws:kms/alias:Alias")
class Alias(Behaviour):
    """Another name of a key."""

    def check(self, at: Moment, inputs: Mapping[str, Any]) -> Iterable[str]:
        """Source: KMS API, CreateAlias."""
        yield from matching(
            inputs, "name", r"alias/(?!aws/)[a-zA-Z0-9/_-]{1,250}", "alias/ and letters, digits, / _ -, not alias/aws/"
        )

    def outputs(self, at: Moment, resource_id: str, outputs: Properties) -> Properties:
        """The key's ARN."""
        key = lookup(at, KEY, "id", str(outputs.get("targetKeyId")))
        return {"targetKeyArn": key["arn"]} if key else {}


def _key_policy(policy: Any, at: Moment) -> Iterable[str]:
    if not isinstance(policy, str) or policy == UNKNOWN:
        return
    problems = list(document("policy", policy, _POLICY_BYTES, at.partition))
    yield from problems
    if problems:
        return
    statements = json.loads(policy)["Statement"]
    allowed = [each for each in statements if each.get("Effect") == "Allow"]
    if not any("kms:*" in str(each.get("Action")) or "kms:PutKeyPolicy" in str(each.get("Action")) for each in allowed):
        yield (
            "policy: MalformedPolicyDocumentException: The new key policy will not allow you to update the key policy "
            "in the future."
        )


def _known_principals(at: Moment, policy: Any) -> None:
    if not isinstance(policy, str):
        return
    for statement in json.loads(policy)["Statement"]:
        principal = statement.get("Principal")
        names = principal.get("AWS") or [] if isinstance(principal, dict) else []
        for name in [names] if isinstance(names, str) else names:
            # users, and roles of services, are not part of this account on paper
            ours = f":{at.account_id}:role/" in name and "/aws-service-role/" not in name
            if ours and not at.account.find("aws:iam/role:Role", arn=name):
                message = f"Policy contains a statement with one or more invalid principals: {name}"
                raise api_error("KMS", "CreateKey", "MalformedPolicyDocumentException", message)
