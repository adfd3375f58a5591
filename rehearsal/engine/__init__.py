"""The real Pulumi CLI on the real program, with a home, a backend and stack files of the rehearsal's own."""

from .cli import Engine, EngineError
from .events import Operation, Run, read_log
from .project import Copied, copy_project

__all__ = ["Copied", "Engine", "EngineError", "Operation", "Run", "copy_project", "read_log"]
