"""Runs whole Pulumi programs in this process, without an engine, and keeps everything that they ask for.

    from tests.harness import record_stack

    recording = record_stack("dev")
    recording.recorder.of_type("kubernetes:core/v1:Namespace")

It stands in for the engine and for every provider, and sees what no engine shows: every request whole. It does not
see readiness, what the API server admits, defaults that providers set, or replacements.
"""

from __future__ import annotations

from .recorder import Recorder, Resource
from .stacks import record_stack, stack_file
from .whole_program import Recording, record, record_function, stack_config

__all__ = [
    "Recorder",
    "Recording",
    "Resource",
    "record",
    "record_function",
    "record_stack",
    "stack_config",
    "stack_file",
]
