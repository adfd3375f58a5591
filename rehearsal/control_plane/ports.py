"""Free TCP ports on the loopback interface, remembered so that a restarted control plane keeps its address."""

from __future__ import annotations

import contextlib
import json
import socket
from pathlib import Path

LOOPBACK = "127.0.0.1"


def free_ports(count: int) -> list[int]:
    """`count` different ports that nobody listens on now."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind((LOOPBACK, 0))
        return [one.getsockname()[1] for one in sockets]


def is_free(port: int) -> bool:
    """Whether one could listen on the port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def remembered(path: Path, names: tuple[str, ...], *, forget: bool = False) -> dict[str, int]:
    """The ports written in `path`, by name; chosen and written there when they are not (or `forget`)."""
    with contextlib.suppress(FileNotFoundError, ValueError):
        ports = json.loads(path.read_text())
        if not forget and set(ports) == set(names):
            return ports
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(ports))
    fresh.replace(path)
    return ports
