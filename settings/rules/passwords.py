"""What every password of a store has to be."""

from __future__ import annotations

import re

from ..base import SecretText
from ..clickhouse import ExternalClickHouse
from ..problems import problem
from ..stores import ExternalMySQL, ExternalRedis
from ..surface import full
from .registry import Problems, given

_URL_SAFE = re.compile(r"[A-Za-z0-9_~.-]+")


def one_password(section: str, store: ExternalMySQL | ExternalRedis | ExternalClickHouse, more: str = "") -> Problems:
    """It is given once, as a text or as a Secret. `more` is further advice where it is missing."""
    found = given(store.password), given(store.password_secret)
    if not any(found):
        yield problem(
            f"{section}.passwordSecret",
            "is missing",
            f"Name a Secret in W&B's namespace and its key, or run `pulumi config set --secret --path "
            f"{full(section)}.password`.{more}",
        )
    if all(found):
        yield problem(f"{section}.password", f"is given, and `{full(section)}.passwordSecret` too", "Keep one of them.")


def not_url_safe(text: SecretText) -> bool:
    """Whether it has characters that do not stay as they are in a URL."""
    return not _URL_SAFE.fullmatch(text.get_secret_value())


def url_safe(section: str, password: SecretText | None) -> Problems:
    """It has only characters that stay as they are in a URL."""
    if isinstance(password, SecretText) and not_url_safe(password):
        yield problem(
            f"{section}.password",
            "has characters that W&B would paste unescaped into a URL",
            "Use letters, digits and `_ ~ . -`; at least 32 of them cannot be guessed.",
        )
