"""What a stand-in provider answers to, and the errors that it may end a call with."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from rehearsal.providers.values import Properties, bare
from rehearsal.sdk_types import violations

Severity = Literal["debug", "info", "warning", "error"]
Change = Literal["add", "add-replace", "delete", "delete-replace", "update", "update-replace"]


class Refused(Exception):
    """The call fails, and nothing was made. The text is what the user reads."""


class NotInitialised(Exception):
    """The resource exists but did not become ready: the engine keeps it in the state, and tries again next time.

    `reasons` are what the user reads below the message.
    """

    def __init__(
        self,
        resource_id: str,
        properties: Properties,
        message: str,
        reasons: list[str],
        inputs: Properties | None = None,
    ) -> None:
        super().__init__(message)
        self.resource_id = resource_id
        self.properties = properties
        self.reasons = [message, *reasons]
        self.inputs = inputs


class Log(Protocol):
    """Prints below a resource in the CLI; `fleeting` text only shows what is going on right now."""

    def __call__(self, severity: Severity, urn: str, message: str, *, fleeting: bool = False) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request about one resource."""

    urn: str
    resource_id: str = ""
    old: Properties = field(default_factory=dict)
    """State of the resource: what the last create, update or read returned."""
    old_inputs: Properties = field(default_factory=dict)
    inputs: Properties = field(default_factory=dict)
    seed: bytes = b""
    preview: bool = False
    timeout: float = 0
    """Seconds from the resource's custom time-outs; 0 when there are none."""
    ignore_changes: tuple[str, ...] = ()

    @property
    def token(self) -> str:
        """The resource's own type: the URN also carries its parents' types before the last `$`."""
        return self.urn.split("::")[2].rpartition("$")[2]

    @property
    def name(self) -> str:
        """The name that the program gave the resource."""
        return self.urn.split("::", 3)[3]


@dataclass(frozen=True, kw_only=True)
class Diff:
    """What would change, and whether only a new resource can have it."""

    changes: Mapping[str, Change] = field(default_factory=dict)
    """Property path to kind of change."""
    delete_first: bool = False
    """The old resource must go before the new one comes, since both have the same name."""
    also_replace: tuple[str, ...] = ()
    """Reasons to replace that are no changes of a property."""

    @property
    def replaces(self) -> list[str]:
        """Paths that force a replacement."""
        return [path for path, change in self.changes.items() if change.endswith("-replace")] + [*self.also_replace]


class Provider:
    """The calls of the engine, each on its own thread. What a subclass does not override is refused by name."""

    name = "provider"

    def __init__(self, log: Log) -> None:
        self.log = log
        self.cancelled = threading.Event()
        """Set when the user interrupts: waits end."""

    def check_config(self, call: Call) -> tuple[Properties, list[str]]:
        """The provider's settings, and what is wrong with them."""
        return call.inputs, violations(f"pulumi:providers:{self.name}", bare(call.inputs))

    def diff_config(self, call: Call) -> Diff:
        """What a change of the settings means; a replacement here replaces every resource of the provider."""
        changed = {key for key in call.old.keys() | call.inputs.keys() if call.old.get(key) != call.inputs.get(key)}
        return Diff(changes=dict.fromkeys(sorted(changed), "update"))

    def configure(self, variables: Mapping[str, str]) -> None:
        """Take the settings, named without the provider's prefix."""

    def check(self, call: Call) -> tuple[Properties, list[str]]:
        """The inputs with defaults and names filled in, and what is wrong with them."""
        raise self._unknown(call.token)

    def diff(self, call: Call) -> Diff:
        """What would change."""
        raise self._unknown(call.token)

    def create(self, call: Call) -> tuple[str, Properties]:
        """Id and outputs; in a preview the id is empty."""
        raise self._unknown(call.token)

    def read(self, call: Call) -> tuple[str, Properties, Properties]:
        """Id, outputs and inputs as they are now; an empty id when the resource is gone."""
        raise self._unknown(call.token)

    def update(self, call: Call) -> Properties:
        """The outputs after the change."""
        raise self._unknown(call.token)

    def delete(self, call: Call) -> None:
        """Delete, and return once the resource is gone."""
        raise self._unknown(call.token)

    def invoke(self, token: str, arguments: Properties) -> Properties:
        """Answer a function of the SDK."""
        raise Refused(
            f"the rehearsal's stand-in for the {self.name} provider does not answer {token}; "
            "read what you need through the Kubernetes API, or make it a setting of the stack"
        )

    def _unknown(self, token: str) -> Refused:
        return Refused(f"the rehearsal's stand-in for the {self.name} provider does not make {token}")
