"""The account of a rehearsal: what exists in it, in a file that outlives the providers.

`<rehearsal>/aws/account.json` holds every resource by type token and id. Each process that touches it takes the
file's lock, so that several providers (one per region), the cluster's stand-in and the `aws` command see one account.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Generator, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..state import MARK, State

FALLBACK_ID = "123456789012"
"""The account's number where neither the stack nor the surroundings name one: the one of AWS's own examples."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """One resource that exists in the account."""

    token: str
    """Type token, as `aws:eks/cluster:Cluster`."""
    id: str
    region: str
    """Region of the provider that made it; empty for what is global."""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    """All properties, inputs among them, without secrecy."""
    brought: bool = False
    """True for what was there before the stack: `destroy` leaves it."""

    def __getitem__(self, name: str) -> Any:
        """An output; `id` is the resource's own."""
        return self.outputs[name] if name in self.outputs or name != "id" else self.id

    def get(self, name: str, default: Any = None) -> Any:
        """An output, or `default`; `id` is the resource's own."""
        return self.outputs.get(name, self.id if name == "id" else default)


class Account:
    """The resources of one AWS account, shared by every process of the rehearsal."""

    def __init__(self, state: State) -> None:
        self._path = state.account

    @classmethod
    def here(cls) -> Account:
        """The account of the rehearsal that this process belongs to. Raises KeyError outside of one."""
        return cls(State(Path(os.environ[MARK])))

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    @property
    def id(self) -> str:
        """Twelve digits; empty until somebody said which account it is."""
        return self._read()["id"]

    def call_it(self, account_id: str) -> str:
        """The account's id, which is `account_id` if it has none yet."""
        with self._changing() as content:
            content["id"] = content["id"] or account_id
            return content["id"]

    def get(self, token: str, resource_id: str) -> Record | None:
        """What exists under that id; None when nothing does."""
        return _record(self._read()["resources"].get(_key(token, resource_id)))

    def all(self, *tokens: str, region: str | None = None) -> list[Record]:
        """What exists of these types (of any without tokens), oldest first."""
        found = (_record(each) for each in self._read()["resources"].values())
        return [
            each
            for each in found
            if each is not None and (not tokens or each.token in tokens) and region in (None, each.region)
        ]

    def find(self, *tokens: str, **outputs: Any) -> list[Record]:
        """What exists of these types with these outputs."""
        return [each for each in self.all(*tokens) if all(each.get(key) == value for key, value in outputs.items())]

    def put(self, record: Record, *, urn: str | None = None) -> None:
        """Make or change. `urn`: what the resource is in a state that was written before it had an id; noted in the same
        change of the file, so that nobody is killed between the two."""
        with self._changing() as content:
            content["resources"][_key(record.token, record.id)] = asdict(record)
            if urn:
                content.setdefault("urns", {})[urn] = [record.token, record.id]

    def delete(self, token: str, resource_id: str) -> bool:
        """Take away; False when it was not there."""
        with self._changing() as content:
            return content["resources"].pop(_key(token, resource_id), None) is not None

    @contextlib.contextmanager
    def transaction(self) -> Generator[dict[str, Any]]:
        """The file's content, held for this caller alone and written at the end, unless an exception leaves."""
        with self._changing() as content:
            yield content

    def serial(self) -> int:
        """A number that nobody was given before."""
        with self._changing() as content:
            content["facts"]["serial"] = content["facts"].get("serial", 0) + 1
            return content["facts"]["serial"]

    def bound(self, urn: str) -> Record | None:
        """The resource that a URN stands for, if it exists."""
        token, resource_id = self._read().get("urns", {}).get(urn, ("", ""))
        return self.get(token, resource_id) if token else None

    @contextlib.contextmanager
    def one_at_a_time(self) -> Generator[None]:
        """Hold back every other request to make something: of two that exclude each other the second is refused."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with (self._path.parent / ".requests").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def remember(self, kind: str, value: str) -> bool:
        """Note a fact that outlives its resource, as the name of a final snapshot; False when it was noted before."""
        with self._changing() as content:
            known = content["facts"].setdefault(kind, [])
            fresh = value not in known
            if fresh:
                known.append(value)
            return fresh

    def facts(self, kind: str) -> list[str]:
        """What was remembered."""
        return list(self._read()["facts"].get(kind, ()))

    def leftovers(self, ignored: Iterable[str] = ()) -> list[Record]:
        """What the stack made and is still there."""
        return [each for each in self.all() if not each.brought and each.token not in set(ignored)]

    def _read(self) -> dict[str, Any]:
        try:
            text = self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return {"id": "", "resources": {}, "facts": {}}
        return json.loads(text)

    @contextlib.contextmanager
    def _changing(self) -> Generator[dict[str, Any]]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with (self._path.parent / ".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            content = self._read()
            yield content
            fresh = self._path.with_suffix(".new")
            fresh.write_text(json.dumps(content, indent=1), encoding="utf-8")
            # readers take no lock: they see the old file or the new one, never half of one
            fresh.replace(self._path)


def _key(token: str, resource_id: str) -> str:
    return f"{token}::{resource_id}"


def _record(found: Any) -> Record | None:
    return None if found is None else Record(**found)
