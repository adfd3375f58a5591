"""Roles and policies.

Limits: IAM user guide, "IAM and AWS STS quotas". Sizes of policies are counted without white space, as IAM does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from rehearsal.providers.values import UNKNOWN, Properties

from ..behaviour import Behaviour, Moment, api_error, register
from .aws_policies import AWS_MANAGED
from .identities import letters
from .limits import between, matching

_NAME = r"[\w+=,.@-]{1,%d}"
_NAME_RULE = "1 to %d letters, digits and + = , . @ - _"
_ROLE, _ATTACHMENT, _INLINE = (
    "aws:iam/role:Role",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    "aws:iam/rolePolicy:RolePolicy",
)
_POLICY_CHARACTERS = 6144
_TRUST_CHARACTERS = 2048
_INLINE_CHARACTERS = 10240
"""Of all inline policies of a role together."""
_ATTACHED = 10
"""Managed policies of a role (default quota)."""
_FIRST_SESSION, _LONGEST_SESSION = 3600, 43200


def document(key: str, value: Any, most: int, partition: str) -> Iterable[str]:
    """What IAM says of a policy document: JSON, its version, its size, and no ARN of another partition."""
    if not isinstance(value, str) or value == UNKNOWN:
        return
    try:
        found = json.loads(value)
    except ValueError as error:
        yield f'"{key}" contains an invalid JSON policy: {error}'
        return
    if not isinstance(found, dict) or not found.get("Statement"):
        yield f"{key}: MalformedPolicyDocument: Syntax errors in policy: a Statement is required"
        return
    if found.get("Version", "2012-10-17") not in ("2012-10-17", "2008-10-17"):
        yield f"{key}: MalformedPolicyDocument: The policy must contain a valid version string, got {found['Version']!r}"
    size = len(re.sub(r"\s", "", value))
    if size > most:
        yield f"{key}: LimitExceeded: Cannot exceed quota: {size} characters without white space, {most} are allowed"
    for other in sorted({arn.split(":")[1] for arn in re.findall(r"arn:[a-z-]+:", value)} - {partition}):
        yield f'{key}: MalformedPolicyDocument: Partition "{other}" is not valid for resource: this is {partition}'


@register(_ROLE)
class Role(Behaviour):
    """An identity that is taken on."""

    def check(self, at: Moment, inputs: Mapping[str, Any]) -> Iterable[str]:
        """Name, trust and session."""
        yield from matching(inputs, "name", _NAME % 64, _NAME_RULE % 64)
        yield from document("assumeRolePolicy", inputs.get("assumeRolePolicy"), _TRUST_CHARACTERS, at.partition)
        yield from between(inputs, "maxSessionDuration", _FIRST_SESSION, _LONGEST_SESSION, "IAM API")
        if isinstance(inputs.get("description"), str) and len(inputs["description"]) > 1000:
            yield "description: at most 1000 characters"
        for each in inputs.get("managedPolicyArns") or ():
            yield from _partition("managedPolicyArns", each, at.partition)

    def admit(self, at: Moment, inputs: Mapping[str, Any]) -> None:
        """Whom it trusts exists in this account."""
        _principals(at, inputs.get("assumeRolePolicy"), "CreateRole")

    def admit_update(self, at: Moment, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        """The same for a changed trust."""
        _principals(at, new.get("assumeRolePolicy"), "UpdateAssumeRolePolicy")

    def outputs(self, at: Moment, resource_id: str, outputs: Properties) -> Properties:
        """Unique id and defaults."""
        return {
            "uniqueId": outputs.get("uniqueId") or f"AROA{letters(at, 17)}",
            "createDate": outputs.get("createDate") or "2026-01-01T00:00:00Z",
            "path": outputs.get("path") or "/",
            "maxSessionDuration": outputs.get("maxSessionDuration") or _FIRST_SESSION,
            "forceDetachPolicies": outputs.get("forceDetachPolicies", False),
        }

    def admit_delete(self, at: Moment, outputs: Mapping[str, Any]) -> None:
        """Policies must be detached first, unless the provider is told to do it."""
        held = [*at.account.find(_ATTACHMENT, role=outputs["name"]), *at.account.find(_INLINE, role=outputs["name"])]
        profiles = at.account.find("aws:iam/instanceProfile:InstanceProfile", role=outputs["name"])
        if profiles or (held and not outputs.get("forceDetachPolicies")):
            what = "remove roles from instance profile" if profiles else "detach all policies"
            message = f"Cannot delete entity, must {what} first."
            raise api_error("IAM", "DeleteRole", "DeleteConflict", message, status=409)


@register("aws:iam/policy:Policy")
class Policy(Behaviour):
    """A managed policy."""

    def check(self, at: Moment, inputs: Mapping[str, Any]) -> Iterable[str]:
        """Name and document."""
        yield from matching(inputs, "name", _NAME % 128, _NAME_RULE % 128)
        yield from document("policy", inputs.get("policy"), _POLICY_CHARACTERS, at.partition)

    def outputs(self, at: Moment, resource_id: str, outputs: Properties) -> Properties:
        """Unique id and path."""
        return {
            "policyId": outputs.get("policyId") or f"ANPA{letters(at, 17)}",
            "path": outputs.get("path") or "/",
            "attachmentCount": len(at.account.find(_ATTACHMENT, policyArn=resource_id)),
        }


@register(_INLINE)
class InlinePolicy(Behaviour):
    """A policy inside of a role."""

    def check(self, at: Moment, inputs: Mapping[str, Any]) -> Iterable[str]:
        """Name and document."""
        yield from matching(inputs, "name", _NAME % 128, _NAME_RULE % 128)
        yield from document("policy", inputs.get("policy"), _INLINE_CHARACTERS, at.partition)

    def admit(self, at: Moment, inputs: Mapping[str, Any]) -> None:
        """All of a role's inline policies together."""
        others = [each for each in at.account.find(_INLINE, role=inputs["role"]) if each["name"] != inputs["name"]]
        size = sum(len(re.sub(r"\s", "", each["policy"])) for each in others) + len(re.sub(r"\s", "", inputs["policy"]))
        if size > _INLINE_CHARACTERS:
            message = f"Maximum policy size of {_INLINE_CHARACTERS} bytes exceeded for role {inputs['role']}"
            raise api_error("IAM", "PutRolePolicy", "LimitExceeded", message, status=409)


@register(_ATTACHMENT)
class Attachment(Behaviour):
    """A role's hold on a managed policy."""

    def check(self, at: Moment, inputs: Mapping[str, Any]) -> Iterable[str]:
        """The policy is of this partition."""
        yield from _partition("policyArn", inputs.get("policyArn"), at.partition)

    def admit(self, at: Moment, inputs: Mapping[str, Any]) -> None:
        """Not too many; AWS's own policies under the names that it knows."""
        there = at.account.find(_ATTACHMENT, role=inputs["role"])
        if len(there) >= _ATTACHED:
            message = f"Cannot exceed quota for PoliciesPerRole: {_ATTACHED}"
            raise api_error("IAM", "AttachRolePolicy", "LimitExceeded", message, status=409)
        arn = str(inputs.get("policyArn"))
        if f"arn:{at.partition}:iam::aws:policy/" in arn and arn.partition("policy/")[2] not in AWS_MANAGED:
            message = f"Policy {arn} does not exist or is not attachable."
            raise api_error("IAM", "AttachRolePolicy", "NoSuchEntity", message, status=404)


def _partition(key: str, arn: Any, partition: str) -> Iterable[str]:
    if isinstance(arn, str) and arn.startswith("arn:") and arn.split(":")[1] != partition:
        yield f"{key}: ARN {arn} is of the partition {arn.split(':')[1]}, and this is {partition}"


def _principals(at: Moment, policy: Any, operation: str) -> None:
    """Roles, and OIDC providers of this account, that a trust policy names must exist."""
    if not isinstance(policy, str):
        return
    statements = json.loads(policy).get("Statement") or []
    for statement in statements if isinstance(statements, list) else [statements]:
        principal = statement.get("Principal")
        for kind, names in principal.items() if isinstance(principal, dict) else ():
            for name in names if isinstance(names, list) else [names]:
                ours = kind == "AWS" and f":{at.account_id}:role/" in name and ":role/aws-" not in name
                if ours and not at.account.find(_ROLE, arn=name):
                    message = f'Invalid principal in policy: "AWS":"{name}"'
                    raise api_error("IAM", operation, "MalformedPolicyDocument", message)
