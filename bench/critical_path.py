"""What an `up` had to wait for: its steps and their dependencies, the longest chain of those that nothing can avoid, and
the chain that it really took. Plain data in, plain data out.

A step's time is from the moment that the engine began it until the provider had answered, by the engine's own event log.
Its dependencies are those of the state: parent, provider, what the program said, and what its inputs came from.
Components take no time of their own: a step behind one waits for what is before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

PROVIDER = "pulumi:providers:"
_MADE = frozenset({"create", "create-replacement", "import", "update", "replace", "read"})


class Operation(Protocol):
    """One operation of the engine's log: `rehearsal.engine.Operation`."""

    @property
    def urn(self) -> str: ...
    @property
    def op(self) -> str: ...
    @property
    def start(self) -> float: ...
    @property
    def end(self) -> float | None: ...


@dataclass(frozen=True, kw_only=True)
class Step:
    """A resource that was made. Times are seconds after the first step began."""

    urn: str
    start: float
    end: float
    needs: frozenset[str]
    """The steps that it waited for directly."""

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.end - self.start

    @property
    def name(self) -> str:
        """The name that the program gave it."""
        return self.urn.split("::", 3)[3]

    @property
    def type(self) -> str:
        """Its type token."""
        return self.urn.split("::")[2].split("$")[-1]

    @property
    def kind(self) -> str:
        """Its type behind that of the component around it, such as `MySQL$kubernetes:batch/v1:Job`."""
        component, _, own = self.urn.split("::")[2].rpartition("$")
        return f"{component.rpartition('$')[2].rpartition(':')[2]}${own}"


@dataclass(frozen=True, kw_only=True)
class Link:
    """One step of a chain, and what it waited for."""

    step: Step
    before: Step | None
    """The step that ended last of those that it needs; None: it needs none."""
    waited: float
    """Seconds between the end of that step (or the first step's begin) and its own begin: neither's work."""


@dataclass(frozen=True, kw_only=True)
class Removable:
    """A dependency on the chain that an `up` took, which is not among those that nothing can avoid."""

    step: Step
    needs: Step
    saves: float
    """Seconds by which the longest chain of all dependencies is shorter without it."""


Unavoidable = Callable[[Step, Step], bool]
"""Whether a step needs another whatever the program says."""


@dataclass(frozen=True)
class Graph:
    """The steps of one `up`, by URN."""

    steps: Mapping[str, Step]

    @cached_property
    def makespan(self) -> float:
        """Seconds from the begin of the first step to the end of the last."""
        return max((step.end for step in self.steps.values()), default=0.0)

    def longest(self, keep: Callable[[Step, Step], bool] = lambda _step, _needs: True) -> tuple[float, list[Step]]:
        """Seconds of the longest chain over the dependencies that `keep` keeps, and its steps, first to last.

        It is what an `up` would take at least if each step began the moment that its last dependency ended.
        """
        ends: dict[str, float] = {}
        last: dict[str, str | None] = {}
        for urn in self._in_order():
            step = self.steps[urn]
            before = [need for need in step.needs if keep(step, self.steps[need])]
            latest = max(before, key=lambda need: (ends[need], need), default=None)
            ends[urn] = step.seconds + (ends[latest] if latest else 0.0)
            last[urn] = latest
        if not ends:
            return 0.0, []
        at: str | None = max(ends, key=lambda urn: (ends[urn], urn))
        total, chain = ends[at or ""], []
        while at is not None:
            chain.append(self.steps[at])
            at = last[at]
        return total, chain[::-1]

    def taken(self) -> list[Link]:
        """The chain that the `up` took: back from the step that ended last, each time to the need that ended last."""
        links: list[Link] = []
        at = max(self.steps.values(), key=lambda step: (step.end, step.urn), default=None)
        while at is not None:
            before = max((self.steps[need] for need in at.needs), key=lambda step: (step.end, step.urn), default=None)
            links.append(Link(step=at, before=before, waited=at.start - (before.end if before else 0.0)))
            at = before
        return links[::-1]

    def removable(self, unavoidable: Unavoidable) -> list[Removable]:
        """The dependencies on the chain that was taken which are avoidable, the one that costs most first."""
        whole, _ = self.longest()
        found = []
        for link in self.taken():
            if link.before and not unavoidable(link.step, link.before):
                pair = link.step.urn, link.before.urn
                without, _ = self.longest(lambda step, needs, pair=pair: (step.urn, needs.urn) != pair)
                found.append(Removable(step=link.step, needs=link.before, saves=whole - without))
        return sorted(found, key=lambda each: -each.saves)

    def _in_order(self) -> list[str]:
        """Every URN behind all that it needs. Raises `ValueError` where steps need each other."""
        left = {urn: len(step.needs) for urn, step in self.steps.items()}
        after: dict[str, list[str]] = {urn: [] for urn in self.steps}
        for urn, step in self.steps.items():
            for need in step.needs:
                after[need].append(urn)
        ready = sorted(urn for urn, number in left.items() if number == 0)
        order = []
        while ready:
            urn = ready.pop()
            order.append(urn)
            for follower in after[urn]:
                left[follower] -= 1
                if left[follower] == 0:
                    ready.append(follower)
        if len(order) != len(self.steps):
            raise ValueError(f"these need each other: {', '.join(sorted(set(self.steps) - set(order)))}")
        return order


def graph(operations: Iterable[Operation], resources: Sequence[Mapping[str, Any]]) -> Graph:
    """The graph of what `operations` made, with the dependencies of `resources`, as a deployment's state lists them.

    A resource that did not change, a component and the stack are no steps: who waits for one waits for what it waits for.
    """
    state = {resource["urn"]: resource for resource in resources}
    timed = {
        each.urn: each
        for each in operations
        if each.op in _MADE and each.end is not None and state.get(each.urn, {}).get("custom")
    }
    if not timed:
        return Graph({})
    first = min(each.start for each in timed.values())
    through: dict[str, frozenset[str]] = {}
    steps = {}
    for urn, each in timed.items():
        end = each.end if each.end is not None else each.start
        steps[urn] = Step(
            urn=urn, start=each.start - first, end=end - first, needs=_needs(urn, state, frozenset(timed), through)
        )
    return Graph(steps)


def _needs(
    urn: str, state: Mapping[str, Mapping[str, Any]], timed: frozenset[str], through: dict[str, frozenset[str]]
) -> frozenset[str]:
    """The steps directly before `urn`; what is no step hands on what is before it. `through` remembers those."""
    found: set[str] = set()
    for need in _direct(state[urn]):
        if need in timed:
            found.add(need)
        elif need in state:
            if need not in through:
                through[need] = frozenset()  # a component and its children never wait for each other in a circle
                through[need] = _needs(need, state, timed, through)
            found |= through[need]
    return frozenset(found - {urn})


def _direct(resource: Mapping[str, Any]) -> set[str]:
    properties = resource.get("propertyDependencies") or {}
    named = {*(resource.get("dependencies") or ()), *(urn for urns in properties.values() for urn in urns or ())}
    provider = (resource.get("provider") or "").rpartition("::")[0]
    return {*named, resource.get("parent") or "", provider} - {""}
