"""Secret properties in the account's file: a fingerprint that tells whether a value changed, and not the value."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from rehearsal.providers.values import Properties, bare, has_secret, hide

_MARK = "secret, sha256:"


def veiled(properties: Mapping[str, Any]) -> Properties:
    """Without secrets: each property that holds one is a fingerprint of it."""
    return {key: fingerprint(value) if has_secret(value) else bare(value) for key, value in properties.items()}


def unveiled(stored: Mapping[str, Any], remembered: Mapping[str, Any]) -> Properties:
    """What is stored, with the secrets that the engine remembers in the place of their fingerprints.

    A secret that nobody remembers, as when importing, is left out.
    """
    found: Properties = {}
    for key, value in stored.items():
        if not is_veiled(value):
            found[key] = value
        elif key in remembered:
            found[key] = remembered[key]
    return hide(found, remembered)


def is_veiled(value: Any) -> bool:
    """Whether `value` is a fingerprint."""
    return isinstance(value, str) and value.startswith(_MARK)


def fingerprint(value: Any) -> str:
    """The same text for the same value."""
    return _MARK + hashlib.sha256(json.dumps(bare(value), sort_keys=True).encode()).hexdigest()
