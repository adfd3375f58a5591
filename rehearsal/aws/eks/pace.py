"""How long the stand-in waits for what really happens on the embedded control plane, which no factor makes faster."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from .. import latency
from ..behaviour import Moment

_CEILING = 300.0
"""Real seconds after which even what still moves is given up; a healthy control plane needs a tenth of it."""
_LEAST = 4.0
"""Real seconds that something has to be stuck, however fast AWS's minutes pass: the scheduler needs that to be sure."""
_LOOK = 0.25


@dataclass(frozen=True)
class Outlook:
    """How something on the cluster is doing."""

    problem: str = ""
    """What is missing; empty: nothing."""
    stuck: bool = False
    """True when it will not get better by waiting, as far as can be seen now."""


def settled(at: Moment, look: Callable[[], Outlook], *, minutes: float) -> str:
    """Wait until nothing is missing; what is still missing when AWS would give up, after `minutes` of its own.

    Only the time in which nothing can move on counts as AWS's, since the machine that rehearses may be slow.
    """
    begun = stuck_since = time.monotonic()
    said = ""
    patience = max(minutes * 60 * latency.scale(), _LEAST)
    while (found := look()).problem:
        now = time.monotonic()
        if not found.stuck:
            stuck_since = now
        if now - stuck_since > patience or now - begun > _CEILING:
            break
        if found.problem != said:
            at.say(found.problem)
            said = found.problem
        at.wait(1)
        time.sleep(_LOOK)
    if said:
        at.say("")
    return found.problem
