"""A Python language host for the Pulumi CLI: what the engine needs to run `runtime: python` programs.

The CLI looks for a language in an executable called `pulumi-language-python` beside itself. tools/bootstrap puts a
launcher of that name there, which starts this file with the interpreter of the environment that has the program's
packages; the program runs with the same interpreter, in the script `pulumi-language-python-exec` beside this file.

Serves the calls that `up`, `preview`, `refresh` and `destroy` make, and runs policy packs (`--policy-pack`). It stands
in for the official host in rehearsals and tests, and leaves out what these do not use: virtual environments of its own,
`pulumi install`, `pulumi new`, code generation. It asks for no plugin before the program does.

No process outlives the CLI: when the CLI goes, even by SIGKILL, the host ends the program and itself.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent import futures
from importlib import metadata
from pathlib import Path
from typing import Any, TypeAlias

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import language_pb2 as messages
from pulumi.runtime.proto import plugin_pb2
from pulumi.runtime.proto.language_pb2_grpc import LanguageRuntimeServicer, add_LanguageRuntimeServicer_to_server

ERROR_ALREADY_SHOWN = 32
"""The executor's exit code when it has told the user what went wrong."""
GRACE_SECONDS = 3.0
"""How long a program may take to end after SIGTERM, before SIGKILL."""
PARENT_CHECK_SECONDS = 0.25
PARENT = os.getppid()
"""The CLI."""


Process: TypeAlias = "subprocess.Popen[Any]"


class Programs:
    """The processes that run programs and policy packs, each the leader of a process group of its own."""

    def __init__(self) -> None:
        self._running: set[Process] = set()
        self._lock = threading.Lock()
        self._closed = False

    def start(self, command: list[str], **options: Any) -> Process:
        """Starts `command`. Raises `InterruptedError` when the host is on its way out."""
        with self._lock:
            if self._closed:
                raise InterruptedError("the engine has cancelled the run")
            process = subprocess.Popen(command, process_group=0, **options)
            self._running.add(process)
            return process

    def wait(self, process: Process) -> int:
        """The exit code, once the process has ended."""
        code = process.wait()
        with self._lock:
            self._running.discard(process)
        return code

    def end(self, *, close: bool = False) -> None:
        """Ends all of them and whatever they started; with `close`, no other can start."""
        with self._lock:
            self._closed = self._closed or close
            running = list(self._running)
        for process in running:
            _signal_group(process, signal.SIGTERM)
        deadline = time.monotonic() + GRACE_SECONDS
        for process in running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=max(0.0, deadline - time.monotonic()))
            # Whatever a program started shares its group, and may not listen to SIGTERM.
            _signal_group(process, signal.SIGKILL)


def _signal_group(process: Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


class LanguageHost(LanguageRuntimeServicer):
    """The engine's `pulumirpc.LanguageRuntime` for Python."""

    def __init__(self, engine: str, programs: Programs) -> None:
        self._engine = engine
        self._programs = programs

    def Handshake(self, request: Any, context: Any) -> Any:
        """The engine's address given here counts, not the one of the command line."""
        self._engine = request.engine_address
        return messages.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        """Passes as the host of the installed SDK's version."""
        return plugin_pb2.PluginInfo(version=metadata.version("pulumi"))

    def About(self, request: Any, context: Any) -> Any:
        return messages.AboutResponse(executable=sys.executable, version=sys.version.split()[0])

    def GetRequiredPackages(self, request: Any, context: Any) -> Any:
        """None: the engine loads a plugin when the program first asks for it."""
        return messages.GetRequiredPackagesResponse()

    def GetProgramDependencies(self, request: Any, context: Any) -> Any:
        """Every distribution of the environment, as the program may import any."""
        installed = sorted((each.metadata["Name"], each.version) for each in metadata.distributions())
        dependencies = [messages.DependencyInfo(name=name, version=version) for name, version in installed]
        return messages.GetProgramDependenciesResponse(dependencies=dependencies)

    def RuntimeOptionsPrompts(self, request: Any, context: Any) -> Any:
        """None: these are questions of `pulumi new`."""
        return messages.RuntimeOptionsResponse()

    def Run(self, request: Any, context: Any) -> Any:
        """Runs the program to its end."""
        config = {
            "PULUMI_CONFIG": json.dumps(dict(request.config)),
            "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
        }
        try:
            program = self._programs.start(self._command(request), env=os.environ | config, stdin=subprocess.DEVNULL)
        except (FileNotFoundError, InterruptedError) as error:
            return messages.RunResponse(error=str(error))
        context.add_callback(lambda: program.poll() is None and _signal_group(program, signal.SIGTERM))
        code = self._programs.wait(program)
        if code == ERROR_ALREADY_SHOWN:
            return messages.RunResponse(bail=True)
        return messages.RunResponse(error=f"the program exited with code {code}" if code else "")

    def _command(self, request: Any) -> list[str]:
        flags = {
            "monitor": request.monitor_address,
            "engine": self._engine,
            "project": request.project,
            "stack": request.stack,
            "organization": request.organization or "organization",
            "pwd": request.info.program_directory,
            "root_directory": request.info.root_directory,
            "dry_run": str(request.dryRun).lower(),
            "parallel": str(request.parallel),
        }
        options = [part for name, value in flags.items() for part in (f"--{name}", value)]
        return [sys.executable, "-u", _executor(), *options, request.info.entry_point, *request.args]

    def RunPlugin(self, request: Any, context: Any) -> Iterator[Any]:
        """Runs a policy pack (a directory with PulumiPolicy.yaml) or a Python plugin, and relays its output."""
        directory = request.info.program_directory
        if request.kind == "analyzer":
            arguments = ["-m", "pulumi.policy", *request.args[:1], directory, *request.args[1:]]
        else:
            arguments = [directory, *request.args]
        plugin = self._programs.start(
            [sys.executable, "-u", *arguments],
            cwd=request.pwd,
            env=dict(entry.split("=", 1) for entry in request.env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=sys.stderr,
        )
        context.add_callback(lambda: plugin.poll() is None and _signal_group(plugin, signal.SIGTERM))
        for line in plugin.stdout or ():
            yield messages.RunPluginResponse(stdout=line)
        yield messages.RunPluginResponse(exitcode=self._programs.wait(plugin))

    def Cancel(self, request: Any, context: Any) -> Any:
        """Ends what runs."""
        self._programs.end()
        return empty_pb2.Empty()


def _executor() -> str:
    path = Path(__file__).resolve().with_name("pulumi-language-python-exec")
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: run `python3 -m tools.bootstrap`, which puts it there")
    return str(path)


def watch_parent(parent: int, gone: Callable[[], None]) -> None:
    """Calls `gone`, from a thread of its own, once process `parent` is no longer this process's parent."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(PARENT_CHECK_SECONDS)
        gone()

    threading.Thread(target=watch, name="parent", daemon=True).start()


def main() -> None:
    """Serves until the engine interrupts this process or is gone."""
    stop = threading.Event()
    watch_parent(PARENT, stop.set)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # the engine interrupts the whole process group
        signal.signal(number, lambda *_: stop.set())
    programs = Programs()
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
    add_LanguageRuntimeServicer_to_server(LanguageHost(sys.argv[-1], programs), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)  # the engine reads the port, then connects
    stop.wait()
    programs.end(close=True)
    server.stop(grace=1).wait()
    # Threads that still wait for the engine would keep the process.
    os._exit(0)


if __name__ == "__main__":
    main()
