"""A short text that changes when another does."""

from __future__ import annotations

import hashlib


def fingerprint(text: str) -> str:
    """64 bits of the SHA-256 of `text`, in hexadecimal. Never of a password, which could be guessed by it."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]
