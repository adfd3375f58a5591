"""What a resource of AWS does beyond being stored: one `Behaviour` per concern and type, found through a registry.

The provider calls the hooks of every behaviour registered for a type, in the order of registration:

    check     what is wrong with the inputs alone. Unknown values may be among them.
    admit     what the API refuses at once, knowing the account: before anything exists, and in no preview
    outputs   what AWS makes up: ids, ARNs, endpoints
    created   after AWS's time has passed and the resource exists
    admit_update, updated, admit_delete, deleted, refreshed: the same for the other calls

A hook may raise `Refused` (from `rehearsal.providers.base`). In `created` and `updated` that is a resource which exists
and did not become ready: it stays in the state, as with the real provider. Write AWS's words with `api_error`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from rehearsal.providers.base import Call, Refused
from rehearsal.providers.values import Properties

from .account import Account, Record


class Say(Protocol):
    """Shows what is going on below the resource in the CLI."""

    def __call__(self, message: str, *, fleeting: bool = True, warning: bool = False) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Moment:
    """One request to the API: who asks, where, about what."""

    account: Account
    account_id: str
    region: str
    partition: str
    dns_suffix: str
    call: Call
    say: Say
    wait: Callable[[float], None]
    """Waits so many seconds of AWS, scaled. Raises Refused when the user interrupts."""

    @property
    def token(self) -> str:
        """Type of the resource."""
        return self.call.token

    @property
    def id(self) -> str:
        """Id of the resource; empty before it is made."""
        return self.call.resource_id

    def arn(self, service: str, resource: str, *, region: str | None = None, account: str | None = None) -> str:
        """An ARN of this account, region and partition unless told otherwise (S3 has neither, IAM no region)."""
        place = self.region if region is None else region
        owner = self.account_id if account is None else account
        return f"arn:{self.partition}:{service}:{place}:{owner}:{resource}"

    def find(self, token: str, **outputs: Any) -> list[Record]:
        """Resources of the account in this region (and global ones) with these outputs."""
        return [each for each in self.account.find(token, **outputs) if each.region in ("", self.region)]


class Behaviour:
    """Does nothing. Subclasses override what they know about."""

    def check(self, at: Moment, inputs: Mapping[str, Any]) -> Iterable[str]:
        """What is wrong with the inputs, one sentence each.

        Single values may be unknown (`UNKNOWN`): skip those. A list that is not known is a list of one such value, a
        block that is not known is left out.
        """
        return ()

    def admit(self, at: Moment, inputs: Mapping[str, Any]) -> None:
        """Raise Refused when the API would refuse to create this now."""

    def outputs(self, at: Moment, resource_id: str, outputs: Properties) -> Properties:
        """What AWS adds. `outputs` holds the inputs and what earlier behaviours added.

        Asked again at each update, with what is there: keep it, do not make it up anew.
        """
        return {}

    def identify(self, at: Moment, inputs: Mapping[str, Any]) -> str | None:
        """The id of the new resource; None: another behaviour knows, or it is synthesised."""
        return None

    def created(self, at: Moment, outputs: Properties) -> Properties:
        """Called once the resource exists. Returns what it adds to the outputs."""
        return {}

    def admit_update(self, at: Moment, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        """Raise Refused when the API would refuse this change: old outputs, new inputs."""

    def updated(self, at: Moment, outputs: Properties) -> Properties:
        """Called after a change; `at.call.old` is what it was. Returns what it adds to the outputs."""
        return {}

    def admit_delete(self, at: Moment, outputs: Mapping[str, Any]) -> None:
        """Raise Refused when the API would refuse to delete this now."""

    def deleted(self, at: Moment, outputs: Mapping[str, Any]) -> None:
        """Called once AWS's time has passed, before the record goes."""

    def refreshed(self, at: Moment, outputs: Properties) -> Properties:
        """What a read finds different from what is stored."""
        return {}


_REGISTRY: dict[str, list[Behaviour]] = {}


def register(*tokens: str) -> Callable[[type[Behaviour]], type[Behaviour]]:
    """Class decorator: an instance of the behaviour serves these types, after those that were registered before."""

    def add(kind: type[Behaviour]) -> type[Behaviour]:
        for token in tokens:
            _REGISTRY.setdefault(token, []).append(kind())
        return kind

    return add


def behaviours(token: str) -> tuple[Behaviour, ...]:
    """Those registered for the type."""
    return tuple(_REGISTRY.get(token, ()))


def known(token: str) -> bool:
    """Whether anything is registered for the type."""
    return token in _REGISTRY


def api_error(service: str, operation: str, code: str, message: str, *, status: int = 400) -> Refused:
    """An error as the AWS SDK for Go words it, which is what users of the real provider read."""
    request = f"{int(time.time() * 1000):012x}"
    shown = f"{request[:8]}-0000-4000-8000-{request:0>12}"
    return Refused(
        f"operation error {service}: {operation}, https response error StatusCode: {status}, RequestID: {shown}, "
        f"api error {code}: {message}"
    )
