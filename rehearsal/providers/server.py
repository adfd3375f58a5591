"""Serves a `Provider` to the engine over gRPC, one thread per call, for as long as the engine lives."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import (
    engine_pb2,
    engine_pb2_grpc,
    errors_pb2,  # noqa: F401  (registers the messages that a status may carry)
    plugin_pb2,
    provider_pb2,
    provider_pb2_grpc,
    status_pb2,
)

from rehearsal.api import ApiError
from rehearsal.providers.base import Call, Diff, NotInitialised, Provider, Refused, Severity
from rehearsal.providers.values import from_wire, to_wire

_CALLS = 128
_MESSAGE_BYTES = 400 * 1024 * 1024
_OPTIONS = [("grpc.max_send_message_length", _MESSAGE_BYTES), ("grpc.max_receive_message_length", _MESSAGE_BYTES)]
_SEVERITY: dict[Severity, engine_pb2.LogSeverity.ValueType] = {
    "debug": engine_pb2.LogSeverity.DEBUG,
    "info": engine_pb2.LogSeverity.INFO,
    "warning": engine_pb2.LogSeverity.WARNING,
    "error": engine_pb2.LogSeverity.ERROR,
}


def serve(make: Callable[..., Provider], version: str, engine: str) -> None:
    """Serve until the engine ends. Prints the port on standard output, as the engine expects."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(0))
    # taken before anything slow happens, so that an engine that dies meanwhile is noticed
    threading.Thread(target=_leave_with, args=(os.getppid(),), daemon=True).start()
    server = grpc.server(ThreadPoolExecutor(max_workers=_CALLS), options=_OPTIONS)
    servicer = Servicer(make(EngineLog(engine)), version)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    server.wait_for_termination()


def _leave_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(0)


class EngineLog:
    """Messages below a resource in the CLI's output."""

    def __init__(self, engine: str) -> None:
        self._engine = engine_pb2_grpc.EngineStub(grpc.insecure_channel(engine))

    def __call__(self, severity: Severity, urn: str, message: str, *, fleeting: bool = False) -> None:
        request = engine_pb2.LogRequest(severity=_SEVERITY[severity], message=message, urn=urn, ephemeral=fleeting)
        # what cannot be shown must not fail the resource
        with contextlib.suppress(grpc.RpcError):
            self._engine.Log(request, timeout=5)


def _reported(method: Callable[..., Any]) -> Callable[..., Any]:
    """Turn exceptions into what the engine shows."""

    def call(self: Servicer, request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return method(self, request, context)
        except NotInitialised as error:
            context.abort_with_status(_init_failed(error))
        except Refused as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
        except ApiError as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
        except Exception:  # noqa: BLE001 (a mistake of the stand-in: gRPC alone would hide where)
            context.abort(grpc.StatusCode.INTERNAL, traceback.format_exc())

    return call


class Servicer(provider_pb2_grpc.ResourceProviderServicer):
    """The wire side of a `Provider`."""

    def __init__(self, provider: Provider, version: str) -> None:
        self._provider = provider
        self._version = version

    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> Any:
        return plugin_pb2.PluginInfo(version=self._version)

    def Cancel(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Returns at once; the calls under way end their waits and report what they have."""
        self._provider.cancelled.set()
        return _empty()

    def Attach(self, request: Any, context: grpc.ServicerContext) -> Any:
        return _empty()

    @_reported
    def CheckConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        return _checked(*self._provider.check_config(_call(request)))

    @_reported
    def DiffConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        diff = self._provider.diff_config(_call(request))
        return provider_pb2.DiffResponse(
            replaces=diff.replaces,
            diffs=[*diff.changes],
            changes=provider_pb2.DiffResponse.DIFF_SOME if diff.changes else provider_pb2.DiffResponse.DIFF_NONE,
        )

    @_reported
    def Configure(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Tells the engine that secrets arrive marked, and that a preview may ask for creates and updates."""
        prefix = f"{self._provider.name}:config:"
        self._provider.configure({key.removeprefix(prefix): value for key, value in request.variables.items()})
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    @_reported
    def Check(self, request: Any, context: grpc.ServicerContext) -> Any:
        return _checked(*self._provider.check(_call(request)))

    @_reported
    def Diff(self, request: Any, context: grpc.ServicerContext) -> Any:
        return _diffed(self._provider.diff(_call(request)))

    @_reported
    def Create(self, request: Any, context: grpc.ServicerContext) -> Any:
        resource_id, properties = self._provider.create(_call(request))
        return provider_pb2.CreateResponse(id=resource_id, properties=to_wire(properties))

    @_reported
    def Read(self, request: Any, context: grpc.ServicerContext) -> Any:
        resource_id, properties, inputs = self._provider.read(_call(request))
        return provider_pb2.ReadResponse(id=resource_id, properties=to_wire(properties), inputs=to_wire(inputs))

    @_reported
    def Update(self, request: Any, context: grpc.ServicerContext) -> Any:
        return provider_pb2.UpdateResponse(properties=to_wire(self._provider.update(_call(request))))

    @_reported
    def Delete(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._provider.delete(_call(request))
        return _empty()

    @_reported
    def Invoke(self, request: Any, context: grpc.ServicerContext) -> Any:
        answer = self._provider.invoke(request.tok, from_wire(request.args))
        fields: dict[str, Any] = {"return": to_wire(answer)}
        return provider_pb2.InvokeResponse(**fields)

    @_reported
    def Construct(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Refused with the type's name: components of a provider are code that only the real one has."""
        raise Refused(
            f"{request.type} is a component that lives inside the real {self._provider.name} provider; "
            "the rehearsal's stand-in cannot make it"
        )

    @_reported
    def Call(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Refused with the method's name, as methods belong to such components."""
        raise Refused(f"the rehearsal's stand-in for the {self._provider.name} provider does not answer {request.tok}")


def _empty() -> Any:
    # protobuf makes its messages at run time, out of a type checker's sight
    messages: Any = empty_pb2
    return messages.Empty()


def _call(request: Any) -> Call:
    """The fields that the request has; the engine names them differently from call to call."""
    fields = request.DESCRIPTOR.fields_by_name

    def properties(*names: str) -> dict[str, Any]:
        return next((from_wire(getattr(request, name)) for name in names if name in fields), {})

    is_read_or_delete = "properties" in fields and "preview" not in fields
    is_check = "randomSeed" in fields
    return Call(
        urn=request.urn,
        resource_id=request.id if "id" in fields else "",
        old=properties("properties") if is_read_or_delete else properties("olds"),
        old_inputs=properties("inputs", "old_inputs", *(["olds"] if is_check else [])),
        inputs={} if is_read_or_delete else properties("news", "properties"),
        seed=request.randomSeed if "randomSeed" in fields else b"",
        preview=request.preview if "preview" in fields else False,
        timeout=request.timeout if "timeout" in fields else 0,
        ignore_changes=tuple(request.ignoreChanges) if "ignoreChanges" in fields else (),
    )


def _checked(inputs: dict[str, Any], wrong: list[str]) -> Any:
    failures = [provider_pb2.CheckFailure(reason=reason) for reason in wrong]
    return provider_pb2.CheckResponse(inputs=to_wire(inputs), failures=failures)


def _diffed(diff: Diff) -> Any:
    some = bool(diff.changes or diff.also_replace)
    detailed = {
        path: provider_pb2.PropertyDiff(
            kind=provider_pb2.PropertyDiff.Kind.Value(change.upper().replace("-", "_")),
            inputDiff=change.startswith("delete"),
        )
        for path, change in diff.changes.items()
    }
    return provider_pb2.DiffResponse(
        replaces=diff.replaces,
        deleteBeforeReplace=diff.delete_first,
        changes=provider_pb2.DiffResponse.DIFF_SOME if some else provider_pb2.DiffResponse.DIFF_NONE,
        detailedDiff=detailed,
        hasDetailedDiff=True,
    )


class _Status(grpc.Status):
    def __init__(self, message: str, details: bytes) -> None:
        self.code = grpc.StatusCode.UNKNOWN
        self.details = message
        self.trailing_metadata = (("grpc-status-details-bin", details),)


def _init_failed(error: NotInitialised) -> grpc.Status:
    detail = provider_pb2.ErrorResourceInitFailed(
        id=error.resource_id,
        properties=to_wire(error.properties),
        reasons=error.reasons,
        inputs=None if error.inputs is None else to_wire(error.inputs),
    )
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(error))
    status.details.add().Pack(detail)
    return _Status(str(error), status.SerializeToString())
