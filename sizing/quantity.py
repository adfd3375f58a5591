"""Kubernetes quantities as whole numbers: CPU in thousandths of a core, memory in bytes."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import cache

MI = 1024**2
GI = 1024**3

_NUMBER = r"([0-9]+(?:\.[0-9]+)?)"
_CPU = re.compile(_NUMBER + r"(m?)")
_MEMORY = re.compile(_NUMBER + r"([KMGTPE]i|[kMGTPE]|)")
_BINARY = {f"{letter}i": 1024**power for power, letter in enumerate("KMGTPE", start=1)}
_DECIMAL = {letter: 1000**power for power, letter in enumerate("kMGTPE", start=1)}
_UNITS = {"": 1, **_BINARY, **_DECIMAL}


@cache
def cpu(text: str) -> int:
    """Thousandths of a core in a CPU quantity ("500m", "2", "0.5"), rounded up. Raises ValueError for anything else."""
    found = _CPU.fullmatch(text)
    if not found:
        raise ValueError(f'{text!r} is not an amount of CPU; write cores ("2", "0.5") or thousandths ("500m")')
    return _up(Fraction(found[1]) * (1 if found[2] else 1000))


@cache
def memory(text: str) -> int:
    """Bytes in a memory quantity ("512Mi", "4Gi", "256M"), rounded up. Raises ValueError for anything else."""
    found = _MEMORY.fullmatch(text)
    if not found:
        raise ValueError(f'{text!r} is not an amount of memory; write mebibytes ("512Mi") or gibibytes ("4Gi")')
    return _up(Fraction(found[1]) * _UNITS[found[2]])


def cpu_text(milli: int) -> str:
    """The quantity of `milli` thousandths of a core: whole cores without a unit."""
    return f"{milli}m" if milli % 1000 else str(milli // 1000)


def memory_text(size: int) -> str:
    """The quantity of `size` bytes, in the largest unit that holds it whole; parts of a MiB are rounded up."""
    return f"{-(-size // MI)}Mi" if size % GI else f"{size // GI}Gi"


def _up(number: Fraction) -> int:
    return -(-number.numerator // number.denominator)
