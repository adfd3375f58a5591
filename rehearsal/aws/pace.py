"""Living through the time that AWS takes, in the rehearsal's scale."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

from rehearsal.providers.base import Refused

from . import latency
from .behaviour import Moment
from .injection import TimedOut
from .wording import kind_of, service_of

_SHOWN_EVERY = 1.0
"""Real seconds between two lines that say what is being waited for."""
_DOING: Mapping[latency.Operation, str] = {"create": "Creating", "update": "Modifying", "delete": "Deleting"}


class Pace:
    """Waits that end when the user interrupts."""

    def __init__(self, cancelled: threading.Event) -> None:
        self._cancelled = cancelled

    def live_through(
        self,
        moment: Moment,
        operation: latency.Operation,
        properties: Mapping[str, Any],
        late: Refused | None,
        changed: Collection[str] | None = None,
    ) -> None:
        """Wait as long as AWS takes, but no longer than the program allows. Raises `late` when it is over, and TimedOut."""
        needed = latency.seconds(moment.token, operation, properties, changed)
        allowed = moment.call.timeout

        def show(passed: float) -> None:
            moment.say(f"{_DOING[operation]}: {latency.spoken(passed)} of about {latency.spoken(needed)}")

        self._wait(min(needed, allowed) if allowed else needed, show)
        if late is not None:
            raise late
        if allowed and needed > allowed:
            raise TimedOut(
                f"waiting for {service_of(moment.token)} {kind_of(moment.token)} ({moment.call.name}) {operation}: "
                f"timeout while waiting for state to become 'available' (timeout: {latency.spoken(allowed)}); AWS takes "
                f"about {latency.spoken(needed)}"
            )

    def wait(self, duration: float) -> None:
        """Wait so many seconds of AWS. Raises Refused when the user interrupts."""
        self._wait(duration, lambda _: None)

    def _wait(self, duration: float, show: Callable[[float], None]) -> None:
        scale = latency.scale()
        begun = shown = time.monotonic()
        until = begun + duration * scale
        while (now := time.monotonic()) < until:
            if self._cancelled.wait(min(until - now, 0.1)):
                raise Refused("context canceled")
            if now - shown >= _SHOWN_EVERY:
                shown = now
                show((now - begun) / scale)
