"""The critical path of an `up`: longest chains, the chain that was taken, and what on it could go."""

from __future__ import annotations

import io
import json
import re
from dataclasses import asdict
from fnmatch import fnmatchcase
from importlib import metadata
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from bench.critical_path import Graph, Step, graph
from bench.told_path import CriticalPath, group, show
from bench.unavoidable import RULES, reason, unavoidable
from rehearsal.engine import Operation

PROJECT = "urn:pulumi:prod::wandb::"
STACK = f"{PROJECT}pulumi:pulumi:Stack::wandb-prod"


def _urn(kind: str, name: str) -> str:
    return f"{PROJECT}{kind}::{name}"


@st.composite
def plans(draw) -> list[tuple[float, set[int], set[int]]]:
    """Steps in an order in which they may be made: seconds, unavoidable needs, and needs that could go."""
    found = []
    for number in range(draw(st.integers(1, 12))):
        needs = draw(st.sets(st.integers(0, number - 1), max_size=4)) if number else set()
        avoidable = draw(st.sets(st.sampled_from(sorted(needs)))) if needs else set()
        found.append((draw(st.integers(0, 100)) / 10, needs - avoidable, avoidable))
    return found


def _played(plan: list[tuple[float, set[int], set[int]]], lag: float = 0.0) -> Graph:
    """As an engine would that begins each step `lag` seconds after its last need has ended."""
    ends: list[float] = []
    steps = {}
    for number, (seconds, needs, avoidable) in enumerate(plan):
        begin = max((ends[need] + lag for need in needs | avoidable), default=0.0)
        ends.append(begin + seconds)
        wanted = frozenset(_urn("t:t:T", str(need)) for need in needs | avoidable)
        urn = _urn("t:t:T", str(number))
        steps[urn] = Step(urn=urn, start=begin, end=begin + seconds, needs=wanted)
    return Graph(steps)


def _keeps(plan: list[tuple[float, set[int], set[int]]]):
    return lambda step, needs: int(needs.name) in plan[int(step.name)][1]


@given(plans())
def test_an_engine_that_never_waits_takes_as_long_as_the_longest_chain(plan):
    played = _played(plan)
    seconds, chain = played.longest()
    assert played.makespan == pytest.approx(seconds)
    assert sum(step.seconds for step in chain) == pytest.approx(seconds)
    for before, after in pairwise(chain):
        assert before.urn in after.needs


@given(plans(), st.floats(0, 2))
def test_the_chain_that_was_taken_accounts_for_every_second(plan, lag):
    played = _played(plan, lag)
    links = played.taken()
    assert links[0].before is None
    assert played.makespan == pytest.approx(sum(link.step.seconds + link.waited for link in links))
    assert all(link.waited <= lag + 1e-9 for link in links)


@given(plans())
def test_no_chain_of_fewer_dependencies_is_longer(plan):
    played = _played(plan)
    assert played.longest(_keeps(plan))[0] <= played.longest()[0] + 1e-9


@given(plans())
def test_where_the_unavoidable_chain_is_shorter_an_avoidable_dependency_is_named(plan):
    played = _played(plan)
    found = played.removable(_keeps(plan))
    assert all(int(each.needs.name) in plan[int(each.step.name)][2] for each in found)
    if played.longest(_keeps(plan))[0] < played.makespan - 1e-9:
        assert found
    saved = [each.saves for each in found]
    assert saved == sorted(saved, reverse=True)
    assert all(seconds >= -1e-9 for seconds in saved)


def test_steps_that_need_each_other_are_refused():
    one, other = _urn("t:t:T", "one"), _urn("t:t:T", "other")
    circle = Graph(
        {
            one: Step(urn=one, start=0, end=1, needs=frozenset({other})),
            other: Step(urn=other, start=0, end=1, needs=frozenset({one})),
        }
    )
    with pytest.raises(ValueError, match="these need each other"):
        circle.longest()


def _resource(urn: str, *, custom: bool = True, parent: str = STACK, **more) -> dict:
    return {"urn": urn, "custom": custom, "parent": parent, **more}


def _made(urn: str, start: float, end: float, op: str = "create") -> Operation:
    return Operation(urn=urn, op=op, start=start, end=end)


def test_a_graph_is_made_of_the_log_and_the_state():
    room, provider = _urn("wandb:aws:Cluster", "cluster"), _urn("pulumi:providers:aws", "aws")
    cluster = _urn("wandb:aws:Cluster$aws:eks/cluster:Cluster", "cluster")
    nodes = _urn("wandb:aws:Cluster$aws:eks/nodeGroup:NodeGroup", "general-a")
    note = _urn("random:index/randomPassword:RandomPassword", "unchanged")
    resources = [
        _resource(STACK, custom=False, parent=""),
        _resource(provider),
        _resource(room, custom=False),
        _resource(cluster, parent=room, provider=f"{provider}::id"),
        _resource(
            nodes,
            parent=room,
            provider=f"{provider}::id",
            dependencies=[note],
            propertyDependencies={"clusterName": [cluster], "tags": None},
        ),
        _resource(note),
    ]
    operations = [
        _made(STACK, 99, 300),
        _made(provider, 100, 101),
        _made(room, 101, 200),
        _made(note, 100, 100, op="same"),
        _made(cluster, 101, 111),
        _made(nodes, 111, 114),
    ]
    made = graph(operations, resources)
    assert set(made.steps) == {provider, cluster, nodes}, "components, the stack and what did not change take no time"
    assert made.steps[nodes].needs == {cluster, provider}
    assert (made.steps[cluster].start, made.steps[cluster].end) == (1, 11)
    assert made.makespan == 14
    assert made.steps[nodes].kind == "Cluster$aws:eks/nodeGroup:NodeGroup"
    assert unavoidable(made.steps[nodes], made.steps[cluster])
    assert unavoidable(made.steps[cluster], made.steps[provider])
    assert not unavoidable(made.steps[provider], made.steps[cluster])


def test_what_waits_for_a_component_waits_for_what_the_component_waited_for():
    first, after = _urn("aws:ec2/vpc:Vpc", "vpc"), _urn("wandb:aws:Room$aws:ec2/subnet:Subnet", "a")
    room = _urn("wandb:aws:Room", "room")
    resources = [_resource(first), _resource(room, custom=False, dependencies=[first]), _resource(after, parent=room)]
    made = graph([_made(first, 0, 2), _made(after, 2, 3)], resources)
    assert made.steps[after].needs == {first}


@given(plans(), st.floats(0, 2))
def test_what_is_told_survives_the_way_between_processes(plan, lag):
    told = CriticalPath.of(_played(plan, lag))
    assert CriticalPath.read(json.loads(json.dumps(asdict(told)))) == told
    assert told.unavoidable <= told.longest <= told.makespan + 1e-9


def test_a_dependency_that_could_go_is_told_with_what_it_costs():
    cluster, database = _urn("aws:eks/cluster:Cluster", "cluster"), _urn("aws:rds/cluster:Cluster", "mysql")
    resources = [_resource(cluster), _resource(database, dependencies=[cluster])]
    path = CriticalPath.of(graph([_made(cluster, 0, 10), _made(database, 10, 17)], resources))
    assert path.unavoidable == 10
    assert path.longest == path.makespan == 17
    assert [link.because for link in path.chain] == [None, None]
    (could_go,) = path.removable
    assert could_go.startswith("mysql (aws:rds/cluster:Cluster) waits for cluster (aws:eks/cluster:Cluster)")
    assert "7.0 s shorter" in could_go
    console = Console(record=True, width=120, file=io.StringIO())
    show(console, path)
    text = console.export_text()
    assert "could go: mysql" in text
    figures = group(path, "prod", "command").figures
    assert [figure.kept for figure in figures] == [False, True]


def test_a_run_that_made_nothing_has_no_path():
    assert graph([], []).longest() == (0.0, [])
    assert graph([], []).taken() == []
    assert graph([], []).makespan == 0


@pytest.mark.parametrize(
    ("step", "needs"),
    [
        ("aws:rds/cluster:Cluster", "aws:eks/cluster:Cluster"),
        ("aws:elasticache/replicationGroup:ReplicationGroup", "aws:eks/nodeGroup:NodeGroup"),
        ("aws:eks/cluster:Cluster", "aws:ec2/natGateway:NatGateway"),
        ("aws:eks/nodeGroup:NodeGroup", "aws:rds/clusterInstance:ClusterInstance"),
        ("aws:acm/certificate:Certificate", "aws:eks/cluster:Cluster"),
        ("kubernetes:core/v1:Namespace", "aws:rds/clusterInstance:ClusterInstance"),
    ],
)
def test_what_takes_minutes_on_aws_does_not_wait_for_another_of_its_kind_without_need(step, needs):
    one = Step(urn=_urn(step, "one"), start=0, end=1, needs=frozenset())
    other = Step(urn=_urn(needs, "other"), start=0, end=1, needs=frozenset())
    assert reason(one, other) is None


def test_every_row_names_types_that_there_are_and_has_a_reason():
    listing = Path(str(metadata.distribution("pulumi-aws").locate_file("pulumi_aws/__init__.py"))).read_text()
    known = set(re.findall(r'"(aws:[a-zA-Z0-9]+/[a-zA-Z0-9]+:[A-Za-z0-9]+)"', listing))
    assert len(known) > 1000
    for rule in RULES:
        assert rule.because.strip()
        for pattern in (rule.step, rule.needs):
            if pattern.startswith("aws:"):
                assert any(fnmatchcase(token, pattern) for token in known), f"no type is called {pattern}"
