"""Waits for what comes about in its own time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

SECONDS = 300.0
"""Far more than anything here takes: how long depends on the machine, and no test says how fast something is."""

Found = TypeVar("Found")


def until(find: Callable[[], Found | None], what: str | Callable[[], object], seconds: float = SECONDS) -> Found:
    """What `find` answers, as soon as that is true. AssertionError, which says `what`, if it is not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not (found := find()):
        assert time.monotonic() < deadline, f"{what() if callable(what) else what}: not within {seconds:g} s"
        time.sleep(0.1)
    return found
