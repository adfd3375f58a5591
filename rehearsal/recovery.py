"""Brings a stack back from a run that was killed, so that the next run neither repeats nor forgets anything.

A killed Pulumi CLI leaves four things behind, on a rehearsal as on a real deployment:

1. Processes: providers that finish what they were told to do, minutes later. They are ended first; only then does
   the cluster hold still.
2. Its lock in the file backend: taken away once nobody holds it.
3. Half-written files beside the state file: the backend replaces its files whole, so these are only litter. Except for
   their `.attrs`, which it writes in place: an unfinished one makes the state unreadable ("failed to load checkpoint:
   EOF"), a missing one does not.
4. Pending operations in the state. The engine notes each operation before it begins it; after a kill it cannot know
   how far it got, and `pulumi up` alone would create a second time or believe in what is gone. The cluster knows:

   interrupted while   the object                       what is done to the state
   creating            exists                           adopted, marked as not finished: the next `up` applies it again
                                                        and waits until it is ready
   creating            does not exist                   forgotten: the next `up` creates it
   updating            -                                marked as not finished: the next `up` applies it again
   deleting            is gone                          forgotten: the next `up` creates it again if it is wanted
   deleting            is on its way (finalizers)       waited for, then as above; before a destroy there is no need
   deleting            still exists                     kept: the next run deletes it, if it is still unwanted

   What AWS has is told by the rehearsed account, which knows what each request made. (With a real account nobody does:
   there `pulumi import` adopts what a killed run had begun to make.)

   Adoption asks for proof: Pulumi's Kubernetes provider must be among the object's field managers, if it has any (one
   that applied nothing but a name leaves no trace). Somebody else's object of that name is left alone, and the next `up`
   says that it is in the way. Resources of which nothing exists outside the state, such as passwords of the random
   provider, are simply created again.

The state is edited by `pulumi stack export` and `import`, which check its integrity and clear what is pending.
`pulumi refresh --import-pending-creates` is not used: CLI 3.259 turns the operation into one of type "importing", and
no part of the engine acts on that type.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from .api import Api
from .aws.account import Account
from .control_plane import processes
from .engine import Engine
from .engine.home import ROLE
from .state import State

Resource = dict[str, Any]

UNFINISHED = "interrupted before it was known to be ready"
"""What an adopted resource carries as its `initErrors`, which makes the engine update it at the next `up`."""

OWNER = "pulumi-kubernetes"
"""Every field manager of Pulumi's Kubernetes provider begins so."""

# How a state marks a secret; the CLI encrypts a "plaintext" as it imports it.
_SIGNATURE, _SECRET = "4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270"

_GRACE = 30.0  # seconds that a CLI gets to end in good order: it waits for its running operations
_DELETION = 120.0  # seconds; longer than the operators' finalizers take


class RecoveryError(Exception):
    """The state cannot be mended yet; the message says what to do."""


@dataclass(frozen=True, kw_only=True)
class Mended:
    """What was put in order, for the report."""

    processes: int = 0
    locks: int = 0
    adopted: tuple[str, ...] = ()
    unfinished: tuple[str, ...] = ()
    forgotten: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.processes or self.locks or self.adopted or self.unfinished or self.forgotten)


def end_orphans(state: State) -> int:
    """End what an earlier command of this rehearsal left running of the Pulumi CLI; how many processes that were.

    The CLI itself is asked first, so that it may still finish; what it leaves is killed.
    """
    orphans = processes.marked(state, ROLE)
    processes.interrupt([process for process in orphans if _is_cli(process)], grace=_GRACE)
    processes.end_all(state, ROLE, grace=2)
    return len(orphans)


def unlock(engine: Engine) -> int:
    """Take away locks and half-written files of the backend; how many locks.

    Call it with the rehearsal's own lock held and after `end_orphans`: then no living process holds one of them.
    """
    folder = engine.backend / "locks" / "organization"
    locks = [path for path in folder.rglob("*.json") if path.is_file()]
    for lock in locks:
        _check_owner(lock)
        lock.unlink()
    whole = ("", ".bak", ".attrs", ".bak.attrs")
    known = {engine.state_file.name + suffix for suffix in whole}
    for path in engine.state_file.parent.glob(f"{engine.state_file.name}*"):
        if path.name not in known or (path.suffix == ".attrs" and not _is_json(path)):
            path.unlink()
    return len(locks)


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return False
    return True


def pending(engine: Engine) -> list[Mapping[str, Any]]:
    """The operations that the state has as begun and not ended."""
    if not engine.stack_exists:
        return []
    latest = json.loads(engine.state_file.read_text(encoding="utf-8"))["checkpoint"].get("latest") or {}
    return latest.get("pending_operations") or []


def mend(engine: Engine, api: Api, *, destroying: bool = False) -> Mended:
    """Settle what the state has as pending, by asking the cluster.

    Raises RecoveryError when an object is held by its finalizers for longer than two minutes, and EngineError when the
    CLI refuses the mended state.
    """
    if not pending(engine):
        return Mended()
    exported = engine.export()
    deployment = exported["deployment"]
    cluster = _World(api, Account(engine.state), patience=0 if destroying else _DELETION)
    resources, mended = settle(deployment.get("resources") or [], deployment.pop("pending_operations"), cluster)
    deployment["resources"] = resources
    engine.replace_state(exported)
    return mended


@dataclass(frozen=True, kw_only=True)
class Created:
    """What an interrupted create made."""

    id: str
    """As the provider would have returned it."""
    remembered: Mapping[str, Any] = field(default_factory=dict)
    """Outputs that are not as the inputs; None: not among the outputs."""


class _World:
    """What the cluster, or the AWS account, says about a resource of the state."""

    def __init__(self, api: Api, account: Account, *, patience: float) -> None:
        self._api = api
        self._account = account
        self._patience = patience

    def created(self, resource: Resource) -> Created | None:
        """What an interrupted create made; None when there is nothing, or only somebody else's object."""
        if _in_account(resource):
            made = self._account.bound(resource["urn"])
            if made is None:
                return None
            return Created(id=made.id, remembered=_without_inputs(made.outputs, resource["inputs"]))
        found = self._object(resource)
        if found is None or ("deletionTimestamp" in found["metadata"] and self.gone(resource)):
            return None
        namespace, name = _place(resource)
        if _is_release(resource):
            return Created(id=f"{namespace}/{name}", remembered={"__inputs": resource["inputs"]})
        entries = [entry for entry in found["metadata"].get("managedFields", ()) if not entry.get("subresource")]
        owners = {entry["manager"]: entry["operation"] for entry in entries if entry["manager"].startswith(OWNER)}
        if entries and not owners:
            return None
        applied = next((manager for manager, operation in owners.items() if operation == "Apply"), None)
        remembered = {
            "__inputs": resource["inputs"],
            "__initialApiVersion": found["apiVersion"],
            # Without it the provider would invent one at each try, and the second would conflict with the first.
            "__fieldManager": applied or f"{OWNER}-{secrets.token_hex(4)}",
        }
        if found["kind"] == "Secret":
            remembered |= {"stringData": None, "data": {_SIGNATURE: _SECRET, "plaintext": json.dumps(found["data"])}}
        identity = f"{namespace}/{name}" if namespace and _namespaced(self._api, resource) else name
        return Created(id=identity, remembered=remembered)

    def gone(self, resource: Resource) -> bool:
        """Whether the object is no more. One that is being deleted is waited for, as long as there is patience."""
        if _in_account(resource):
            return self._account.get(resource["type"], resource["id"]) is None
        deadline = time.monotonic() + self._patience
        while (found := self._object(resource)) is not None:
            if "deletionTimestamp" not in found["metadata"] or not self._patience:
                return False
            if time.monotonic() > deadline:
                held = ", ".join(found["metadata"].get("finalizers", ())) or "nothing that it names"
                raise RecoveryError(
                    f"{_described(resource)} is still being deleted, held by {held}. Whoever put that there has to "
                    "let go of it (is its operator running?); then run again."
                )
            time.sleep(0.5)
        return True

    def _object(self, resource: Resource) -> dict[str, Any] | None:
        namespace, name = _place(resource)
        if _is_release(resource):
            # Helm keeps a release's record in Secrets, one for each revision.
            selector = f"owner=helm,name={name},status=deployed"
            return next(iter(self._api.list("v1", "Secret", namespace, label_selector=selector)), None)
        inputs = resource["inputs"]
        return self._api.read(inputs["apiVersion"], inputs["kind"], name, namespace)


def settle(
    resources: Sequence[Resource], operations: Sequence[Mapping[str, Any]], cluster: Any
) -> tuple[list[Resource], Mended]:
    """The state's resources with every pending operation settled as the table above says.

    `cluster` answers `created(resource)` and `gone(resource)`.
    """
    settled = [dict(resource) for resource in resources]
    adopted, unfinished, forgotten = [], [], []
    for operation in operations:
        resource, kind = dict(operation["resource"]), operation["type"]
        urn = resource["urn"]
        if not (_in_cluster(resource) or _in_account(resource)):
            continue
        if kind in ("creating", "importing"):
            if made := cluster.created(resource):
                _adopt(settled, resource, made)
                adopted.append(urn)
        elif kind == "updating":
            for entry in settled:
                if entry["urn"] == urn and not entry.get("delete"):
                    entry["initErrors"] = [UNFINISHED]
                    unfinished.append(urn)
        elif kind == "deleting" and cluster.gone(resource):
            settled = [entry for entry in settled if not _same(entry, resource)]
            forgotten.append(urn)
    return settled, Mended(adopted=tuple(adopted), unfinished=tuple(unfinished), forgotten=tuple(forgotten))


def _adopt(resources: list[Resource], resource: Resource, made: Created) -> None:
    """Enter a created resource into the state, in the place of the one that it replaces if there is one."""
    known = {**resource["inputs"], **made.remembered}
    outputs = {key: value for key, value in known.items() if value is not None}
    entry = resource | {"id": made.id, "outputs": outputs, "initErrors": [UNFINISHED]}
    for index, old in enumerate(resources):
        if old["urn"] != resource["urn"] or old.get("delete"):
            continue
        resources[index] = entry
        if not old.get("pendingReplacement") and old.get("id") != made.id:
            resources.append(old | {"delete": True})
        return
    resources.append(entry)


def _same(entry: Resource, resource: Resource) -> bool:
    return (entry["urn"], entry.get("id"), bool(entry.get("delete"))) == (
        resource["urn"],
        resource.get("id"),
        bool(resource.get("delete")),
    )


def _in_cluster(resource: Resource) -> bool:
    inputs = resource.get("inputs") or {}
    patch = resource["type"].endswith("Patch")  # owns fields of another's object, and applies them again without harm
    named = bool((inputs.get("metadata") or {}).get("name"))
    return _is_release(resource) or ("apiVersion" in inputs and "kind" in inputs and named and not patch)


def _in_account(resource: Resource) -> bool:
    return resource["type"].startswith("aws:")


def _without_inputs(outputs: Mapping[str, Any], inputs: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in outputs.items() if key not in inputs}


def _is_release(resource: Resource) -> bool:
    return resource["type"] == "kubernetes:helm.sh/v3:Release"


def _place(resource: Resource) -> tuple[str | None, str]:
    """(namespace, name) of what the resource stands for."""
    inputs = resource["inputs"]
    metadata = inputs if _is_release(resource) else inputs["metadata"]
    return metadata.get("namespace"), metadata["name"]


def _namespaced(api: Api, resource: Resource) -> bool:
    if _is_release(resource):
        return True
    inputs = resource["inputs"]
    return api.resource(inputs["apiVersion"], inputs["kind"]).namespaced


def _described(resource: Resource) -> str:
    namespace, name = _place(resource)
    kind = "Helm release" if _is_release(resource) else resource["inputs"]["kind"]
    return f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}"


def _is_cli(process: psutil.Process) -> bool:
    try:
        return process.name() == "pulumi"
    except psutil.Error:
        return False


def _check_owner(lock: Path) -> None:
    """Raise RecoveryError if a CLI that somebody started by hand holds the lock."""
    try:
        owner = psutil.Process(json.loads(lock.read_text(encoding="utf-8"))["pid"])
        holds = processes.alive(owner) and owner.name() == "pulumi" and owner.create_time() <= lock.stat().st_mtime + 1
    except (ValueError, KeyError, OSError, psutil.Error):
        return
    if holds:
        raise RecoveryError(f"Pulumi process {owner.pid} works on this stack ({lock}). Wait for it, then run again.")
