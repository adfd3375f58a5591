"""Ids, ARNs and the other properties that AWS adds, for any type: by the registered behaviours, else from the SDK's types."""

from __future__ import annotations

import hashlib
import typing
from collections import abc
from collections.abc import Mapping
from typing import Any

from pulumi import _types

from rehearsal import sdk_types
from rehearsal.providers.values import UNKNOWN, Properties, bare

from . import naming
from .behaviour import Moment, behaviours
from .force_new import rules
from .services import computed

_ARN_SERVICES = {
    "alb": "elasticloadbalancing",
    "cloudwatch": "cloudwatch",
    "ebs": "ec2",
    "lb": "elasticloadbalancing",
    "vpc": "ec2",
}
"""Modules whose ARNs name another service."""


def complete(at: Moment, inputs: Mapping[str, Any]) -> tuple[str, Properties]:
    """Id and all properties of a resource that has just been asked for."""
    kinds = behaviours(at.token)
    key = naming.field(at.token)
    if key and inputs.get(key) is None and inputs.get(f"{key}Prefix"):
        inputs = {**inputs, key: naming.from_prefix(inputs[f"{key}Prefix"], digits(at))}
    resource_id = next((found for each in kinds if (found := each.identify(at, inputs))), None)
    outputs: Properties = {key: value for key, value in inputs.items() if value is not None}
    if "region" in sdk_types.output_types(at.token):
        outputs.setdefault("region", at.region)
    resource_id = resource_id or _invented_id(at, inputs)
    for each in kinds:
        outputs |= each.outputs(at, resource_id, outputs)
    for name, declared in sdk_types.output_types(at.token).items():
        if outputs.get(name) is None and name in sdk_types.constant_outputs(at.token):
            outputs[name] = _invented(at, name, declared, resource_id)
    return resource_id, outputs


def previewed(token: str, inputs: Properties, old: Properties | None = None) -> Properties:
    """What a preview knows: the inputs, and for an update what does not change; all else is unknown."""
    if old is not None:
        changing = dict.fromkeys(computed.on_update(token, bare(old), bare(inputs)), UNKNOWN)
        return _with_nested(token, {**old, **inputs, **changing}, bare(old))
    outputs: Properties = dict(inputs)
    optional = {path for path in rules(token).kept if "." not in path}
    for name in sdk_types.output_types(token):
        if name not in outputs and (name in sdk_types.constant_outputs(token) or name in optional):
            outputs[name] = UNKNOWN
    for path in computed.nested(token):
        outer, _, inner = path.partition(".")
        if isinstance(bare(outputs.get(outer)), Mapping) and inner not in bare(outputs[outer]):
            outputs[outer] = {**bare(outputs[outer]), inner: UNKNOWN}
    return outputs


def _with_nested(token: str, outputs: Properties, old: Mapping[str, Any]) -> Properties:
    """With what AWS put into blocks of the inputs, as `vpcConfig.clusterSecurityGroupId`: an update leaves it as it is."""
    for path in computed.nested(token):
        outer, _, inner = path.partition(".")
        block, before = bare(outputs.get(outer)), old.get(outer)
        if isinstance(block, Mapping) and inner not in block and isinstance(before, Mapping) and inner in before:
            outputs[outer] = {**block, inner: before[inner]}
    return outputs


def judgeable(token: str, inputs: Mapping[str, Any]) -> Properties:
    """Inputs as checks see them: a list that is not known yet has one unknown item, an unknown block is left out."""
    declared, found = sdk_types.input_types(token), {}
    for key, value in inputs.items():
        if value == UNKNOWN:
            kinds = sdk_types.alternatives(declared.get(key))
            if any(typing.get_origin(each) in (abc.Sequence, list) for each in kinds):
                value = [UNKNOWN]
            elif any(typing.get_origin(each) in (abc.Mapping, dict) or _is_block(each) for each in kinds):
                continue
        found[key] = value
    return found


def _is_block(declared: Any) -> bool:
    return isinstance(declared, type) and _types.is_input_type(declared)


def digits(at: Moment, length: int = 17, salt: str = "") -> str:
    """Hexadecimal digits that no other resource of the rehearsal has."""
    text = f"{at.call.urn} {at.account.serial()} {salt}"
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def _invented_id(at: Moment, inputs: Mapping[str, Any]) -> str:
    key = naming.field(at.token)
    if key and isinstance(inputs.get(key), str):
        return inputs[key]
    return f"{at.token.rpartition(':')[2].lower()}-{digits(at)}"


def _invented(at: Moment, name: str, declared: Any, resource_id: str) -> Any:
    """A value of the declared type; texts that are ARNs, addresses or the owner look like such."""
    if declared is str:
        service = at.token.split(":")[1].partition("/")[0]
        if name == "arn" or name.endswith("Arn"):
            kind = at.token.rpartition(":")[2]
            return at.arn(_ARN_SERVICES.get(service, service), f"{kind[:1].lower()}{kind[1:]}/{resource_id}")
        if name in ("ownerId", "owner", "accountId"):
            return at.account_id
        return ""
    if declared in (int, float):
        return 0
    if declared is bool:
        return False
    if typing.get_origin(declared) in (dict, Mapping) or str(declared).startswith("typing.Mapping"):
        return {}
    if isinstance(declared, type) and _types.is_output_type(declared):
        return {
            wire: _invented(at, wire, kind, resource_id) for wire, kind in _types.output_type_types(declared).items()
        }
    return {} if "Mapping" in str(declared) else []
