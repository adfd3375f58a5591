"""What is left in the account, and in the EKS cluster that was in it, once a stack is destroyed."""

from __future__ import annotations

from collections.abc import Mapping

from ..control_plane.inventory import Item
from ..state import State
from .account import Account, Record
from .eks import remains
from .eks.tokens import VOLUME

_SNAPSHOT = "made because what it is of was deleted: it costs until you delete it"
FACTS = {
    "final snapshots of RDS": _SNAPSHOT,
    "final snapshots of ElastiCache": _SNAPSHOT,
    "keys pending deletion": "KMS deletes it, and with it all that it encrypts, after the days that the stack says",
}
"""What outlives its resource by design, by the kind under which the account remembers it."""


def of_cluster(state: State) -> dict[Item, str | None]:
    """What the stack's EKS cluster held when it was deleted and nobody had thought of; what may go with it is left out."""
    return {item: why for item, why in (remains.noted(state) or {}).items() if why is None}


def of_account(state: State) -> dict[Item, str | None]:
    """What the stack left in the account, each with the reason why it stays; None: it should be gone."""
    account = Account(state)
    found = {_item(record): reason(record) for record in account.leftovers()}
    for kind, why in FACTS.items():
        found |= {Item(group="aws", kind=kind, namespace="", name=name): why for name in account.facts(kind)}
    return found


def reason(record: Record) -> str | None:
    """Why a resource may stay."""
    if record.token == VOLUME and record.get("reclaimPolicy") == "Retain":
        tags: Mapping[str, str] = record.get("tags") or {}
        claim = (
            f"{tags.get('kubernetes.io/created-for/pvc/namespace')}/{tags.get('kubernetes.io/created-for/pvc/name')}"
        )
        return (
            f"{record['size']} GiB of claim {claim}, whose StorageClass retains volumes: delete it when the data may go"
        )
    return None


def _item(record: Record) -> Item:
    return Item(group="aws", kind=record.token, namespace="", name=record.id)
