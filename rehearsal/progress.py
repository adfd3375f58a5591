"""Progress on the terminal: what is being done, and how long the step before it took."""

from __future__ import annotations

import time

from rich.console import Console

from .recovery import Mended


class Progress:
    """Prints each step when it begins, and with `verbose` says how long the last one took."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._begun = time.monotonic()

    def step(self, what: str) -> None:
        """Say what begins now."""
        elapsed = time.monotonic() - self._begun
        self.console.print(f"[dim]{elapsed:6.1f} s[/dim]  [bold]{what}[/bold]", highlight=False)

    def recovered(self, stopped: int, locks: int, mended: Mended) -> None:
        """Say what an interrupted run had left, if it had left anything."""
        parts = [
            (stopped, "ended {} processes of a run that was cut off"),
            (locks, "took away {} locks"),
            (len(mended.adopted), "adopted {} objects that it had created"),
            (len(mended.unfinished), "will update {} objects again"),
            (len(mended.forgotten), "dropped {} objects that it had deleted"),
        ]
        for number, text in parts:
            if number:
                self.console.print(f"          {text.format(number)}", highlight=False)
