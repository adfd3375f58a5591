"""Holds IAM policies against parliament, which knows every action, its resources and its conditions.

What it cannot see: whether a policy grants what the workload needs, or whether AWS' evaluation of several policies
together ends as was meant.
"""

from __future__ import annotations

import copy
import json
import re
import warnings
from collections.abc import Mapping
from typing import Any, Literal

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it imports pkg_resources, which says that it is old
    import parliament

KNOWN_ISSUER = "accounts.google.com"
ANY_ROLE = "arn:aws:iam::123456789012:role/any"

Kind = Literal["identity", "bucket", "key", "trust"]

ACCEPTED: Mapping[Kind, tuple[str, ...]] = {
    "identity": (),
    "bucket": (
        # parliament takes whole numbers only, and TLS has versions between them.
        "MISMATCHED_TYPE - Type mismatch: s3:TlsVersion requires a value of type Numeric but given ['1.2']",
        # A refusal of s3:* holds for those of the actions that have the condition, which are all that carry data.
        "UNKNOWN_CONDITION_FOR_ACTION - Unknown condition s3:TlsVersion for action s3:",
    ),
    "key": (
        # In a key's policy `*` is the key.
        "RESOURCE_STAR",
        # An encryption context is text to parliament; this one holds an ARN, and AWS documents ArnLike for it.
        "MISMATCHED_TYPE - Type mismatch: ArnLike requires a value of type Arn but given String",
    ),
    "trust": (),
}
"""Findings that are no mistakes, by their beginning."""


def findings(document: Mapping[str, Any], kind: Kind = "identity") -> list[str]:
    """What parliament has against a policy; empty: nothing."""
    judged = copy.deepcopy(dict(document))
    if kind == "trust":
        judged = _issuer_known(judged)
        # parliament does not know that the resource of a trust policy is the role that carries it
        for statement in judged["Statement"]:
            statement["Resource"] = ANY_ROLE
    found = [str(each) for each in parliament.analyze_policy_string(json.dumps(judged)).findings]
    return [each for each in found if not each.startswith(ACCEPTED[kind])]


def _issuer_known(document: dict[str, Any]) -> dict[str, Any]:
    """The policy with an issuer of web identities that parliament knows in place of any other: its keys are the same."""
    written = json.dumps(document)
    for arn, host in set(re.findall(r'"(arn:[a-z-]+:iam::\d{12}:oidc-provider/([^"]+))"', written)):
        written = written.replace(f'"{arn}"', f'"{KNOWN_ISSUER}"').replace(f'"{host}:', f'"{KNOWN_ISSUER}:')
    return json.loads(written)
