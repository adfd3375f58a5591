"""The stand-in for pulumi-random 4.21: really random values that live in the Pulumi state and nowhere else."""

from __future__ import annotations

import base64
import secrets
import string
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import pulumi_random  # noqa: F401  (registers the types that inputs are held against)

from rehearsal.providers import changes
from rehearsal.providers.base import Call, Change, Diff, Provider, Refused
from rehearsal.providers.values import UNKNOWN, Properties, Secret, bare
from rehearsal.sdk_types import violations

_SPECIAL = "!@#$%&*()-_=+[]{}<>:?"
_TEXT_DEFAULTS = {
    "lower": True,
    "minLower": 0,
    "minNumeric": 0,
    "minSpecial": 0,
    "minUpper": 0,
    "number": True,
    "numeric": True,
    "special": True,
    "upper": True,
}


class Random(Provider):
    """RandomPassword, RandomString, RandomId, RandomBytes, RandomUuid and RandomInteger without a seed."""

    name = "random"

    def check(self, call: Call) -> tuple[Properties, list[str]]:
        """The inputs as they are, and what no drawn value could satisfy."""
        self._maker(call)
        inputs = dict(call.inputs)
        wrong = violations(call.token, bare(inputs))
        return inputs, wrong or _impossible(call.token, bare(inputs))

    def diff(self, call: Call) -> Diff:
        """Every change replaces."""
        found = changes.changes(bare(call.old_inputs), bare(call.inputs))
        # a value is drawn once: whatever changes about how, another one has to be drawn
        shown: dict[str, Change] = {changes.display(path): _REPLACING[change] for path, change in found}
        return Diff(changes=changes.ignoring(shown, call.ignore_changes))

    def create(self, call: Call) -> tuple[str, Properties]:
        """Draw. In a preview the values are unknown."""
        make, outputs = self._maker(call)
        if call.preview:
            return "", {**dict.fromkeys(outputs, UNKNOWN), **_defaults(call.token), **call.inputs}
        resource_id, made = make(bare(call.inputs))
        return resource_id, {**_defaults(call.token), **call.inputs, **made}

    def read(self, call: Call) -> tuple[str, Properties, Properties]:
        """What the state says: nothing else knows the value. Raises Refused for an import."""
        if not call.old:
            raise Refused("the rehearsal's stand-in for the random provider imports nothing; create a value instead")
        return call.resource_id, call.old, call.old_inputs

    def update(self, call: Call) -> Properties:
        """The value of before: another one is drawn by a replacement only."""
        return {**call.old, **call.inputs}

    def delete(self, call: Call) -> None:
        """Nothing outside the state has to go."""

    def _maker(self, call: Call) -> tuple[Callable[[Mapping[str, Any]], tuple[str, Properties]], tuple[str, ...]]:
        kind = call.token.rpartition(":")[2]
        if kind not in _MAKERS:
            raise self._unknown(call.token)
        return _MAKERS[kind]


_REPLACING: dict[Change, Change] = {"add": "add-replace", "delete": "delete-replace", "update": "update-replace"}


def _defaults(token: str) -> Properties:
    return dict(_TEXT_DEFAULTS) if token.endswith((":RandomPassword", ":RandomString")) else {}


def _impossible(token: str, inputs: Mapping[str, Any]) -> list[str]:
    """What the types allow and no value can satisfy."""
    if _defaults(token):
        settings = {**_TEXT_DEFAULTS, **inputs}
        least = sum(settings[key] for key in ("minLower", "minUpper", "minNumeric", "minSpecial"))
        length = settings["length"]
        if isinstance(length, int) and (length < 1 or length < least):
            return [f"length must be at least 1 and at least the sum of the minimums ({least}), got: {length}"]
        if not any(settings[key] for key in ("lower", "upper", "number", "numeric", "special")):
            return ["at least one of lower, upper, numeric and special must be true"]
    for key in ("byteLength", "length"):
        if isinstance(inputs.get(key), int) and inputs[key] < 1:
            return [f"{key} must be at least 1, got: {inputs[key]}"]
    return []


def draw_text(inputs: Mapping[str, Any]) -> str:
    """Text of the asked length, with at least so many of each class of characters, in random order."""
    settings: dict[str, Any] = {**_TEXT_DEFAULTS, **inputs}
    special = settings.get("overrideSpecial") or _SPECIAL
    classes: list[tuple[int, str, bool]] = [
        (settings["minLower"], string.ascii_lowercase, settings["lower"]),
        (settings["minUpper"], string.ascii_uppercase, settings["upper"]),
        (settings["minNumeric"], string.digits, settings["numeric"] and settings["number"]),
        (settings["minSpecial"], special, settings["special"]),
    ]
    drawn = [secrets.choice(characters) for least, characters, _ in classes for _ in range(least)]
    alphabet = "".join(characters for _, characters, allowed in classes if allowed)
    drawn += [secrets.choice(alphabet) for _ in range(settings["length"] - len(drawn))]
    secrets.SystemRandom().shuffle(drawn)
    return "".join(drawn)


def _password(inputs: Mapping[str, Any]) -> tuple[str, Properties]:
    import bcrypt

    text = draw_text(inputs)
    # bcrypt knows no more than 72 bytes of a password
    hashed = bcrypt.hashpw(text.encode()[:72], bcrypt.gensalt(rounds=10, prefix=b"2a")).decode()
    return "none", {"result": Secret(text), "bcryptHash": Secret(hashed)}


def _string(inputs: Mapping[str, Any]) -> tuple[str, Properties]:
    text = draw_text(inputs)
    return text, {"result": text}


def _id(inputs: Mapping[str, Any]) -> tuple[str, Properties]:
    drawn = secrets.token_bytes(inputs["byteLength"])
    url = base64.urlsafe_b64encode(drawn).rstrip(b"=").decode()
    prefix = inputs.get("prefix") or ""
    return url, {
        "b64Std": prefix + base64.b64encode(drawn).decode(),
        "b64Url": prefix + url,
        "dec": prefix + str(int.from_bytes(drawn, "big")),
        "hex": prefix + drawn.hex(),
    }


def _bytes(inputs: Mapping[str, Any]) -> tuple[str, Properties]:
    drawn = secrets.token_bytes(inputs["length"])
    return "none", {"base64": Secret(base64.b64encode(drawn).decode()), "hex": Secret(drawn.hex())}


def _uuid(_: Mapping[str, Any]) -> tuple[str, Properties]:
    drawn = str(uuid.uuid4())
    return drawn, {"result": drawn}


def _integer(inputs: Mapping[str, Any]) -> tuple[str, Properties]:
    if inputs.get("seed"):
        raise Refused("the rehearsal's stand-in for the random provider draws without a seed")
    drawn = inputs["min"] + secrets.randbelow(inputs["max"] - inputs["min"] + 1)
    return str(drawn), {"result": drawn}


_MAKERS: dict[str, tuple[Callable[[Mapping[str, Any]], tuple[str, Properties]], tuple[str, ...]]] = {
    "RandomPassword": (_password, ("result", "bcryptHash")),
    "RandomString": (_string, ("result",)),
    "RandomId": (_id, ("b64Std", "b64Url", "dec", "hex")),
    "RandomBytes": (_bytes, ("base64", "hex")),
    "RandomUuid": (_uuid, ("result",)),
    "RandomInteger": (_integer, ("result",)),
}
