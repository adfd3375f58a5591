"""A world of its own for one process: the files, names and addresses that it finds are those that it is given.

It needs Linux, and the right to make namespaces: root has it, others where the kernel lets them (on Ubuntu from 24.04 on
with `sysctl kernel.apparmor_restrict_unprivileged_userns=0`; in Docker with `--security-opt seccomp=unconfined`).

Standard library only: it is imported by its bare name, by processes in other environments.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import signal
import socket
import struct
import sys
import threading
from collections.abc import Iterable, Mapping

_NEW_MOUNTS, _NEW_USER, _NEW_NETWORK = 0x00020000, 0x10000000, 0x40000000
_BIND, _PRIVATE, _BELOW = 0x1000, 0x40000, 0x4000
_SET_ADDRESS, _SET_FLAGS = 0x8916, 0x8914
_UP_AND_RUNNING = 0x41
_DEATH_SIGNAL = 1


def enter(files: Mapping[str, str], addresses: Iterable[str], ports: Mapping[str, str]) -> None:
    """From here on, this process finds at each path of `files` the file that stands beside it, and no network.

    Its own `addresses` (and 127.0.0.1) are all that it reaches; there, each port leads to the Unix socket that stands
    beside it. To be called before there are threads. Raises OSError, saying what is needed.
    """
    if sys.platform != "linux":
        raise OSError("only Linux gives a process a world of its own; run these tests in a Linux container")
    libc = ctypes.CDLL(None, use_errno=True)
    _namespaces(libc)
    for path, content in files.items():
        _try(libc.mount(content.encode(), path.encode(), None, _BIND, None), f"another {path}")
    with socket.socket() as any_socket:
        _bring_up(any_socket, "lo")
        for index, address in enumerate(addresses):
            _bring_up(any_socket, f"lo:{index}", address)
    listeners = [(socket.create_server(("0.0.0.0", int(port))), path) for port, path in ports.items()]
    parent = os.getpid()
    # a process, not a thread: the engine may keep every other thread of its own process from running
    if os.fork():
        for listener, _ in listeners:
            listener.close()
        return
    libc.prctl(_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        # whoever reads the output of the process waits for its end, not for this one's
        os.dup2(nothing, standard)
    for listener, path in listeners:
        threading.Thread(target=_relay, args=(listener, path)).start()
    signal.pause()


def _namespaces(libc: ctypes.CDLL) -> None:
    user, group = os.getuid(), os.getgid()
    _try(libc.unshare(_NEW_USER | _NEW_MOUNTS | _NEW_NETWORK), "namespaces")
    maps = {"setgroups": "deny", "uid_map": f"{user} {user} 1", "gid_map": f"{group} {group} 1"}
    for name, content in maps.items():
        with open(f"/proc/self/{name}", "w") as file:
            file.write(content)
    # what is mounted here stays here
    _try(libc.mount(None, b"/", None, _PRIVATE | _BELOW, None), "mounts of its own")


def _bring_up(any_socket: socket.socket, interface: str, address: str | None = None) -> None:
    name = interface.encode()
    if address:
        asked = struct.pack("16sH2s4s8s", name, socket.AF_INET, bytes(2), socket.inet_aton(address), bytes(8))
        fcntl.ioctl(any_socket, _SET_ADDRESS, asked)
    fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack("16sH14s", name, _UP_AND_RUNNING, bytes(14)))


def _relay(listener: socket.socket, path: str) -> None:
    while True:
        here, _ = listener.accept()
        there = socket.socket(socket.AF_UNIX)
        there.connect(path)
        for source, target in ((here, there), (there, here)):
            threading.Thread(target=_pump, args=(source, target), daemon=True).start()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _try(result: int, what: str) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, f"the kernel refuses {what}: {os.strerror(number)}. {__doc__}")
