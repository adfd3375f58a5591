"""Faults of AWS that a rehearsal plays on demand, and the provider's own patience with them.

`faults.json` names them under "aws" (see `rehearsal.faults`). The file is read at each call. How often a fault has
been played is kept in the account's file, since every provider is a process of its own.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Literal

from rehearsal.faults import AwsFault, read
from rehearsal.providers.base import Refused

from .account import Account
from .behaviour import api_error
from .wording import service_of

ATTEMPTS = 25
"""Requests that the provider makes before it gives up on throttling. Source: `maxRetries` of pulumi-aws, default 25."""
_FIRST_PAUSE = 0.05
"""Seconds of AWS before the second attempt, doubled each time up to 20 s, half of it by chance: the AWS SDK's back-off."""
_LONGEST_PAUSE = 20.0

Operation = Literal["create", "update", "delete", "read", "invoke"]


class TimedOut(Refused):
    """AWS did not finish in time. What was begun exists, half done."""


def play(
    account: Account,
    operation: Operation,
    token: str,
    name: str,
    wait: Callable[[float], None],
    say: Callable[[str], None],
) -> None:
    """Let what is due go wrong: waits out short throttling, and raises Refused or TimedOut for the rest."""
    pause = _FIRST_PAUSE
    for attempt in range(1, ATTEMPTS + 1):
        fault = due(account, operation, token, name)
        if fault is None:
            return
        if fault.error != "throttling":
            _raise(fault, operation, token, name)
        if attempt == ATTEMPTS:
            break
        say(f"Throttled: attempt {attempt} of {ATTEMPTS}")
        wait(pause * random.uniform(0.5, 1))
        pause = min(pause * 2, _LONGEST_PAUSE)
    service, verb = service_of(token), _verb(operation, token)
    raise Refused(
        f"operation error {service}: {verb}, exceeded maximum number of attempts, {ATTEMPTS}, https response error "
        f"StatusCode: 400, api error ThrottlingException: Rate exceeded"
    )


def due(account: Account, operation: Operation, token: str, name: str) -> AwsFault | None:
    """The first fault that fits and has turns left; taking one turn of it."""
    for fault in read().aws:
        if fault.fits(operation, token, name) and _turn(account, fault):
            return fault
    return None


def _turn(account: Account, fault: AwsFault) -> bool:
    if fault.times is None:
        return True
    with account.transaction() as content:
        played = content["facts"].setdefault("faults", {})
        if played.get(fault.key, 0) >= fault.times:
            return False
        played[fault.key] = played.get(fault.key, 0) + 1
        return True


def _raise(fault: AwsFault, operation: Operation, token: str, name: str) -> None:
    service, verb = service_of(token), _verb(operation, token)
    if fault.error == "quota":
        kind = token.rpartition(":")[2]
        code = {"EC2": f"{kind}LimitExceeded", "EKS": "ResourceLimitExceededException"}.get(
            service, "LimitExceededException"
        )
        raise api_error(service, verb, code, f"The maximum number of {kind} resources has been reached.")
    if fault.error == "timeout":
        past = {"create": "created", "update": "updated", "delete": "deleted"}.get(operation, "read")
        raise TimedOut(f"waiting for {service} {token.rpartition(':')[2]} ({name}) to be {past}: timeout while waiting")
    raise Refused(fault.error)


def _verb(operation: Operation, token: str) -> str:
    kind = token.rpartition(":")[2]
    if operation == "invoke":
        return kind[:1].upper() + kind[1:]
    return {"create": "Create", "update": "Modify", "delete": "Delete", "read": "Describe"}[operation] + kind
