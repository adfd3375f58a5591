"""Every example stack on AWS, asked of the stand-in account without an engine: made in order, and unmade in reverse.

Faster than a rehearsal, and less: no diffs, no refresh, no cluster (the stand-in of EKS makes no nodes here).
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from pulumi.runtime import mocks

from rehearsal.aws import behaviour, brought, force_new, latency
from rehearsal.aws.account import Account, Record
from rehearsal.aws.behaviour import Behaviour, Moment
from rehearsal.providers.aws import Aws
from rehearsal.providers.base import Call, NotInitialised, Refused
from rehearsal.providers.values import Properties, bare
from rehearsal.state import MARK, State
from settings import parse
from tests.harness import recorder
from tests.harness.stacks import record_stack, stack_file
from tests.harness.whole_program import stack_config

ROOT = Path(__file__).resolve().parents[2]
STACKS = ["prod", *sorted(path.name.split(".")[1] for path in (ROOT / "examples").glob("Pulumi.aws-*.yaml"))]
SECRETS = {"wandb:license"}
KUBECONFIG = """
clusters: [{name: c, cluster: {server: "https://127.0.0.1:6443", certificate-authority-data: Y2E=}}]
contexts: [{name: c, context: {cluster: c, user: u}}]
current-context: c
users: [{name: u, user: {token: t}}]
"""


class Quiet(Behaviour):
    """What EKS says of requests, without a control plane that they would change."""

    def __init__(self, real: Behaviour) -> None:
        self.check, self.identify, self.outputs = real.check, real.identify, real.outputs
        self._admit = real.admit

    def admit(self, at: Moment, inputs: Mapping[str, Any]) -> None:
        """As it does, but for what add-ons find in the cluster."""
        if at.token != "aws:eks/addon:Addon":
            self._admit(at, inputs)

    def created(self, at: Moment, outputs: Properties) -> Properties:
        """A cluster comes with its security group."""
        if at.token == "aws:eks/cluster:Cluster":
            group, token = outputs["vpcConfig"]["clusterSecurityGroupId"], "aws:ec2/securityGroup:SecurityGroup"
            made = {"vpcId": outputs["vpcConfig"]["vpcId"], "name": "eks-cluster"}
            at.account.put(Record(token=token, id=group, region=at.region, outputs=made, brought=True))
        return {}

    def deleted(self, at: Moment, outputs: Mapping[str, Any]) -> None:
        """The group goes with the cluster."""
        if at.token == "aws:eks/cluster:Cluster":
            at.account.delete("aws:ec2/securityGroup:SecurityGroup", outputs["vpcConfig"]["clusterSecurityGroupId"])


class Cloud:
    """Hands every AWS resource to the stand-in provider of its region, and remembers how to unmake it."""

    def __init__(self, account: Account, owner: str, region: str) -> None:
        self.account, self._owner, self.region = account, owner, region
        self.made: list[tuple[Aws, Call]] = []
        self.problems: list[str] = []
        self._providers: dict[str, Aws] = {}
        self._lock = threading.Lock()

    def create(self, args: mocks.MockResourceArgs, region: str) -> tuple[str, dict[str, Any]]:
        provider = self._provider(region)
        urn = f"urn:pulumi:test::test::{args.typ}::{args.name}"
        inputs, wrong = provider.check(Call(urn=urn, inputs=dict(args.inputs), seed=args.name.encode()))
        self.problems += [f"{args.name}: {each}" for each in wrong]
        try:
            resource_id, outputs = provider.create(Call(urn=urn, inputs=inputs))
        except (Refused, NotInitialised) as error:
            self.problems.append(f"{args.typ} {args.name}: {error}")
            return f"{args.name}-id", dict(args.inputs)
        self.made.append((provider, Call(urn=urn, resource_id=resource_id, old=outputs, old_inputs=inputs)))
        return resource_id, bare(outputs)

    def answer(self, token: str, arguments: Mapping[str, Any]) -> Any:
        """Functions, and reads of what exists, as the stand-in answers them."""
        provider = self._provider(self.region)
        try:
            if ":get" in token:
                return provider.invoke(token, dict(arguments))
            urn = f"urn:pulumi:test::test::{token}::read"
            return provider.read(Call(urn=urn, resource_id=arguments["id"]))[1]
        except Refused as error:
            return {}, [("", str(error))]

    def _provider(self, region: str) -> Aws:
        with self._lock:
            if region not in self._providers:
                found = Aws(lambda *message, **_: None)
                found.configure({"region": region, "allowedAccountIds": f'["{self._owner}"]'})
                self._providers[region] = found
            return self._providers[region]


@pytest.fixture(params=STACKS)
def cloud(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, Cloud]:
    state = State(tmp_path / "stack")
    state.folder.mkdir()
    state.kubeconfig.write_text(KUBECONFIG)
    monkeypatch.setenv(MARK, str(state.folder))
    monkeypatch.setenv(latency.SCALE, "0")
    config, _ = stack_config(stack_file(request.param), project=ROOT / "Pulumi.yaml")
    given = {
        key.removeprefix("wandb:"): yaml.safe_load(value) for key, value in config.items() if key.startswith("wandb:")
    }
    given |= {} if "licenseSecret" in given else {"license": "x"}
    settings = parse(given, secret_keys=SECRETS, stack=request.param)
    assert settings.aws is not None
    cloud = Cloud(Account(state), settings.aws.account_id, settings.aws.region)
    Aws(lambda *message, **_: None)  # registers what behaves
    for token, kinds in behaviour._REGISTRY.items():
        if token.startswith("aws:eks/"):
            quiet = [
                Quiet(each) if each.__class__.__module__.startswith("rehearsal.aws.eks") else each for each in kinds
            ]
            monkeypatch.setitem(behaviour._REGISTRY, token, quiet)
    brought.seed(cloud.account, settings)
    own, replica = settings.aws.region, _replica_region(settings)
    before = recorder._Cloud.new_resource

    def new_resource(self: Any, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        if not args.typ.startswith("aws:") or args.resource_id or not args.custom:
            return before(self, args)
        elsewhere = replica and "copies" in str(args.provider)
        return cloud.create(args, replica if elsewhere else own)

    monkeypatch.setattr(recorder._Cloud, "new_resource", new_resource)
    return request.param, cloud


def _replica_region(settings: Any) -> str:
    replication = getattr(settings.object_store, "replication", None)
    return replication.region if replication else ""


PROTECTED = ("deletion protection", "protected Cluster")
HOLDING = ("DependencyViolation", "InUse", "dependent object", "StateFault", "still members", "GroupState")
"""What AWS says of things that something else still stands on."""


def unmade(calls: Iterable[tuple[Aws, Call]]) -> tuple[list[tuple[Aws, Call]], list[str]]:
    """What could not be deleted, and what was said of it."""
    kept, said = [], []
    for provider, call in calls:
        try:
            provider.delete(call)
        except Refused as error:
            kept.append((provider, call))
            said.append(f"{call.token} {call.name}: {error}")
    return kept, said


def unprotected(call: Call) -> Call:
    return replace(call, old={**call.old, "deletionProtection": False})


def test_the_account_takes_every_request_and_gives_everything_back(cloud: tuple[str, Cloud]) -> None:
    stack, account = cloud
    record_stack(stack, answer=account.answer)
    assert account.problems == []
    unknown = {call.token for _, call in account.made if not force_new.rules(call.token).known}
    assert unknown == set(), "types without a table of what replaces them"
    kept, said = unmade(reversed(account.made))
    assert [each for each in said if not any(word in each for word in (*PROTECTED, *HOLDING))] == []
    # what is protected, and what it stands on, goes once the protection is lifted
    kept, said = unmade([(provider, unprotected(call)) for provider, call in kept])
    assert said == []
    assert account.account.leftovers() == []
