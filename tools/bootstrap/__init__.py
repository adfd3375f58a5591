"""Finds or builds what a rehearsal and the tests need, with nothing but Python's standard library.

Two things, each in the user's cache folder, so that every clone and every run shares them:

    the virtual environment   venv.py      keyed by the requirements files and the interpreter
    the programs              families.py  which, at which version; build.py makes those that are missing, with Go;
                              engine.py    the Pulumi CLI beside this project's language host

    python3 -m tools.bootstrap                 both, with progress on stderr
    ensure(["kubectl"])["kubectl"]             the same from Python: paths of the programs named

Whatever appears in the cache is complete: it is made under a temporary name, or marked when it is finished, while
a lock is held. So an interrupted run is simply repeated, and two runs at once build nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from . import build, engine, venv
from .families import ALL, FAMILIES, owner
from .progress import BootstrapError

__all__ = ["ALL", "Binaries", "BootstrapError", "ensure", "missing"]


@dataclass(frozen=True, eq=False)
class Binaries(Mapping[str, Path]):
    """Absolute paths of programs by their names, such as `binaries["kube-apiserver"]`.

    `binaries["pulumi"]` has this project's language host beside it. A `pulumi-language-python` on PATH would come
    first all the same: run it with PULUMI_IGNORE_AMBIENT_PLUGINS=true.
    """

    paths: Mapping[str, Path]

    def __getitem__(self, name: str) -> Path:
        return self.paths[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.paths)

    def __len__(self) -> int:
        return len(self.paths)


def ensure(names: Iterable[str] = ALL) -> Binaries:
    """The programs `names`, found in the cache or built into it (minutes, the first time).

    Raises `ValueError` for a name that is not in `ALL`, and `BootstrapError` when a program cannot be built; its
    text says what failed and what to do.
    """
    wanted = list(dict.fromkeys(names))
    families = [family for family in FAMILIES if family in {owner(name) for name in wanted}]
    folders = build.ensure(families)
    paths = {name: folders[owner(name)] / name for name in wanted}
    if "pulumi" in paths:
        paths["pulumi"] = engine.assemble(paths["pulumi"].parent, venv.interpreter())
    return Binaries(paths)


def missing(names: Iterable[str] = ALL) -> list[str]:
    """Those of `names` that `ensure` would have to build. Builds nothing."""
    return [name for name in names if build.found(owner(name)) is None]
