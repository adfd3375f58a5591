"""`python3 -m tools.bootstrap [all | venv | binaries | extras | python | where NAME...]`; see the package."""

from __future__ import annotations

import argparse
import signal
import sys

from . import ALL, BootstrapError, ensure, extras, venv

DESCRIPTION = "Find or build what rehearsals and tests need. Progress goes to stderr, answers to stdout."
COMMANDS = {
    "all": "the virtual environment, then every program (the default)",
    "venv": "the virtual environment",
    "binaries": "every program; prints name and path of each",
    "extras": "what single tests and commands get when they first run: Azurite (needs Node.js), a newer ClickHouse, W&B's migrations "
    "and command line",
    "python": "the virtual environment; prints the path of its interpreter",
    "where": "the programs named; prints the path of each",
}


def main(arguments: list[str]) -> int:
    """Runs one command; 0 when all it asked for is there, 1 after saying why not, 130 when interrupted."""
    parser = argparse.ArgumentParser(prog="python3 -m tools.bootstrap", description=DESCRIPTION)
    commands = parser.add_subparsers(dest="command")
    for command, text in COMMANDS.items():
        sub = commands.add_parser(command, help=text)
        if command == "where":
            sub.add_argument("names", nargs="+", choices=ALL, metavar="NAME", help=", ".join(ALL))
    options = parser.parse_args(arguments)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)  # so that what was started is ended, as after Ctrl-C
    try:
        _run(options.command or "all", getattr(options, "names", []))
    except BootstrapError as error:
        print(f"bootstrap: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nbootstrap: interrupted; run it again to go on from here", file=sys.stderr)
        return 130
    return 0


def _run(command: str, names: list[str]) -> None:
    if command in ("all", "venv", "python"):
        folder = venv.ensure()
        venv.link(folder)
        if command == "python":
            print(venv.python_of(folder))
    if command in ("all", "binaries"):
        binaries = ensure()
        if command == "binaries":
            print("\n".join(f"{name}\t{path}" for name, path in binaries.items()))
    if command == "extras":
        print("\n".join(str(get()) for get in (extras.azurite, extras.clickhouse, extras.wandb, extras.weave)))
    if command == "where":
        print("\n".join(str(path) for path in ensure(names).values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
