"""W&B's own migrations of Weave's tables, as statements, in the order in which W&B's migrator runs them.

They come from the package `weave` and run as on a server that is not replicated, statement by statement: the embedded
engine has no Keeper. The migrator's own code is not run; it would need ClickHouse's network side.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tools.bootstrap import extras

_PIECE = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^'\\]|\\.|'')*'|`[^`]*`|;|[^-/'`;]+|[-/]", re.DOTALL)


def migrations() -> dict[str, list[str]]:
    """The statements of each migration by its name, such as `001_init`. Raises `BootstrapError`."""
    folder = extras.weave() / "trace_server" / "migrations"
    files = sorted(folder.glob("*.up.sql"))
    return {file.name.removesuffix(".up.sql"): statements(file.read_text(encoding="utf-8")) for file in files}


def statements(text: str) -> list[str]:
    """The statements in `text`, less comments. A semicolon in a comment or in quotes ends none."""
    found = [""]
    for piece in _PIECE.findall(text):
        if piece == ";":
            found.append("")
        elif not piece.startswith(("--", "/*")):
            found[-1] += piece
    return [statement.strip() for statement in found if statement.strip()]


def without_waiting(commands: Sequence[str]) -> list[str]:
    """The same, less the SYNC of a DROP: the embedded engine of 25.8 does not come back from it in a busy session."""
    return [re.sub(r"^(DROP TABLE .*) SYNC$", r"\1", command, flags=re.DOTALL) for command in commands]
