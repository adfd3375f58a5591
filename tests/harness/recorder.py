"""Records every request that a Pulumi program makes.

`pulumi.runtime.mocks` hands a test the inputs of each resource and drops the rest. The request itself says more:
parent, dependencies and which property caused each, provider, protection, aliases, ignored changes, time-outs, and
which values are secret. `Recorder` keeps it all as plain data, so that a test states facts about the whole graph
instead of asserting inside `apply`, which a preview may never run.

What no recorder sees, and a rehearsal must: defaults set by providers, replacements, the children of remote
components, and what the engine hands from parent to child (`retain_on_delete`, `deleted_with`).
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from google.protobuf import json_format
from pulumi.runtime import mocks, rpc
from pulumi.runtime.proto import resource_pb2

from rehearsal.sdk_types import synthesise, violations

STACK_TYPE = "pulumi:pulumi:Stack"
T = TypeVar("T")

_SIGNATURE = rpc._special_sig_key.encode()
"""Part of every secret on the wire; where it is not, there is nothing to unwrap."""

Answer = Callable[[str, Mapping[str, Any]], Any]
"""Replies to an invoke, token and arguments to result; and to a read, type token and `{"id": ...}` to properties. Raises
LookupError for what it knows nothing of."""


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One registration as the engine would have received it."""

    urn: str
    inputs: Mapping[str, Any]
    """By the names of the wire. Secrets are unwrapped, what is unknown is `rpc.UNKNOWN`."""
    secrets: frozenset[str]
    """The paths in `inputs` whose values arrived as secrets, such as `data.password` or `spec.env[0]`."""
    request: Any = field(repr=False)
    """The RegisterResourceRequest: what has no property here is in it."""

    @property
    def type(self) -> str:
        """The type token."""
        return self.request.type

    @property
    def name(self) -> str:
        """The name in the program."""
        return self.request.name

    @property
    def parent(self) -> str:
        """The URN of the parent; empty for the stack."""
        return self.request.parent

    @property
    def custom(self) -> bool:
        """True for what a provider manages, false for components and the stack."""
        return self.request.custom

    @property
    def protected(self) -> bool:
        """True when the engine refuses to delete it."""
        return self.request.protect

    @property
    def provider(self) -> str:
        """The URN of the explicit provider; empty when the resource would use the default one."""
        return self.request.provider.rpartition("::")[0]

    @property
    def waits_for(self) -> frozenset[str]:
        """The URNs that must exist first: parent, provider, dependencies of any kind."""
        return frozenset({self.parent, self.provider, *self.request.dependencies} - {""})

    def leaves(self) -> Iterator[tuple[str, Any, bool]]:
        """Every scalar among the inputs: its path, its value, and whether it travels as a secret."""
        return _leaves(self.inputs, "", self.secrets, secret=False)


class Recorder(mocks.MockMonitor):
    """A monitor for `set_mocks(recorder.mocks, monitor=recorder)`; see `whole_program.record`."""

    def __init__(self, answer: Answer | None = None, *, strict: bool = True, invent: bool = True) -> None:
        """With `strict` inputs are held against the SDKs' own types. Without `invent` resources return their inputs
        only, and in a preview the rest is unknown. An invoke without `answer` is an error."""
        super().__init__(_Cloud(answer, invent))
        self.complaints: list[str] = []
        """What is wrong with the requests: all of it, because one run should report every mistake."""
        self.resources_by_urn: dict[str, Resource] = {}
        self.outputs: dict[str, dict[str, Any]] = {}
        """What components and the stack registered as their outputs, by URN. Secrets are still wrapped."""
        self.invokes: list[tuple[str, dict[str, Any]]] = []
        self.reads: list[tuple[str, str]] = []
        """Existing resources that the program looked up: type token and id."""
        self._strict = strict
        self._lock = threading.Lock()  # a blocking invoke of the program arrives on a thread of its own

    def RegisterResource(self, request: Any) -> Any:
        """Keeps the request, then answers as the mocks do."""
        secrets: set[str] = set()
        inputs = json_format.MessageToDict(request.object)
        if _SIGNATURE in request.object.SerializeToString():
            inputs = decode(inputs, "", secrets)
        wrong = violations(request.type, inputs) if self._strict and request.custom else []
        reply = self._reply(request)
        _conceal(reply, request.additionalSecretOutputs)
        # a copy without the inputs: they are kept decoded, and the memory of a message is freed as a whole
        request.ClearField("object")
        kept = resource_pb2.RegisterResourceRequest()
        kept.CopyFrom(request)
        with self._lock:
            self.complaints += [f"{request.name}: {each}" for each in wrong]
            if reply.urn in self.resources_by_urn:
                self.complaints.append(f"two resources share the URN {reply.urn}")
            self.resources_by_urn[reply.urn] = Resource(
                urn=reply.urn, inputs=inputs, secrets=frozenset(secrets), request=kept
            )
        return reply

    def _reply(self, request: Any) -> Any:
        """What `MockMonitor.RegisterResource` answers, without its detour by an event loop: nothing here waits."""
        urn = self.make_urn(request.parent, request.type, request.name)
        if request.type == STACK_TYPE:
            return resource_pb2.RegisterResourceResponse(urn=urn)
        identifier, state = self.mocks.new_resource(
            mocks.MockResourceArgs(
                typ=request.type,
                name=request.name,
                inputs=rpc.deserialize_properties(request.object),
                provider=request.provider,
                resource_id=request.importId,
                custom=request.custom,
            )
        )
        identifier = identifier or ""
        self.resources[urn] = mocks.MockMonitor.ResourceRegistration(urn, identifier, state)
        return resource_pb2.RegisterResourceResponse(
            urn=urn, id=identifier, object=_finished(rpc.serialize_properties(state, {}))
        )

    def RegisterResourceOutputs(self, request: Any) -> Any:
        """Keeps the outputs of a component."""
        with self._lock:
            if request.urn in self.outputs:
                self.complaints.append(f"{request.urn} registers its outputs twice")
            self.outputs[request.urn] = json_format.MessageToDict(request.outputs)
        return super().RegisterResourceOutputs(request)

    def ReadResource(self, request: Any) -> Any:
        """Keeps what is looked up."""
        with self._lock:
            self.reads.append((request.type, request.id))
        return super().ReadResource(request)

    def Invoke(self, request: Any) -> Any:
        """Keeps the call."""
        with self._lock:
            self.invokes.append((request.tok, json_format.MessageToDict(request.args)))
        return super().Invoke(request)

    def of_type(self, token: str) -> list[Resource]:
        """Every resource of that type token."""
        return [resource for resource in self.resources_by_urn.values() if resource.type == token]

    def custom(self) -> Iterator[Resource]:
        """Every resource that a provider manages, providers among them."""
        return (resource for resource in self.resources_by_urn.values() if resource.custom)

    def components(self) -> Iterator[Resource]:
        """Every component; the stack is none."""
        resources = self.resources_by_urn.values()
        return (resource for resource in resources if not resource.custom and resource.type != STACK_TYPE)

    def before(self, urn: str) -> set[str]:
        """Every URN that exists before `urn`, however indirectly."""
        seen: set[str] = set()
        todo = [urn]
        while todo:
            resource = self.resources_by_urn.get(todo.pop())
            new = resource.waits_for - seen if resource else frozenset()
            seen |= new
            todo += new
        return seen


class _Cloud(mocks.Mocks):
    def __init__(self, answer: Answer | None, invent: bool) -> None:
        self._answer, self._invent = answer, invent

    def call(self, args: mocks.MockCallArgs) -> Any:
        if self._answer is None:
            raise LookupError(f"the program invoked {args.token}; give the recorder an `answer` for it")
        return self._answer(args.token, args.args)

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        if args.resource_id and self._answer is not None:
            with contextlib.suppress(LookupError):
                return args.resource_id, self._answer(args.typ, {"id": args.resource_id})
        if not args.custom:  # nor does a read say that it is
            return "", {}
        if not self._invent:
            return f"{args.name}-id", args.inputs
        return f"{args.name}-id", {**synthesise(args.typ, args.name, args.inputs), **_written(args.typ, args.name)}


def _written(token: str, name: str) -> dict[str, Any]:
    """What a controller writes into an object before it counts as ready; for the SDK's types it may as well be absent."""
    if token == "kubernetes:networking.k8s.io/v1:Ingress":
        return {"status": {"loadBalancer": {"ingress": [{"hostname": f"{name}.elb.example.com"}]}}}
    return {}


def _finished(work: Coroutine[Any, Any, T]) -> T:
    """The result of what has no reason to wait. Raises `RuntimeError` when it waits."""
    try:
        work.send(None)
    except StopIteration as done:
        return done.value
    work.close()
    raise RuntimeError("outputs that a stand-in invents are plain values, and these are not")


def _conceal(reply: Any, names: Iterable[str]) -> None:
    """Makes the outputs `names` secret, as the engine does for what an SDK calls secret, such as generated passwords."""
    for name in names:
        if name in reply.object.fields:
            secret = type(reply.object)()
            secret.update({rpc._special_sig_key: rpc._special_secret_sig})
            secret.fields["value"].CopyFrom(reply.object.fields[name])
            reply.object.fields[name].struct_value.CopyFrom(secret)


def decode(value: Any, path: str, secrets: set[str]) -> Any:
    """The value behind its wire form; the paths of secrets are added to `secrets`."""
    if isinstance(value, list):
        return [decode(item, f"{path}[{index}]", secrets) for index, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    if value.get(rpc._special_sig_key) == rpc._special_secret_sig:
        secrets.add(path)
        return decode(value.get("value"), path, secrets)
    return {key: decode(item, _join(path, key), secrets) for key, item in value.items()}


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _leaves(value: Any, path: str, secrets: frozenset[str], *, secret: bool) -> Iterator[tuple[str, Any, bool]]:
    secret = secret or path in secrets
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, _join(path, key), secrets, secret=secret)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _leaves(item, f"{path}[{index}]", secrets, secret=secret)
    else:
        yield path, value, secret
