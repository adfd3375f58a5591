"""Which programs, and how each is built. Versions are those of the go.mod files in tools/*/: change them there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

TOOLS = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, kw_only=True)
class Family:
    """Programs that come from one Go module: `tools/<name>/` pins it, and go.sum holds its checksums."""

    name: str
    module: str
    packages: Mapping[str, str]
    """Program to main package, relative to `module`."""
    stamps: Mapping[str, str] = field(default_factory=dict)
    """Go variable to text, as in `go build -ldflags -X`; {version}, {major}, {minor} are the module's."""
    tags: str = ""
    seconds: int
    """How long a build takes with an empty build cache on 2 cores, modules downloaded; measured."""

    def __hash__(self) -> int:
        return hash(self.name)

    @property
    def folder(self) -> Path:
        """The Go module that pins the family."""
        return TOOLS / self.name

    @property
    def pins(self) -> tuple[Path, ...]:
        """The files that decide what is built."""
        return tuple(self.folder / name for name in ("go.mod", "go.sum", "tools.go"))

    @cached_property
    def version(self) -> str:
        """The pinned version, such as v1.35.4. Raises `LookupError` when go.mod does not require the module."""
        found = re.search(rf"^(?:require|\t) ?{re.escape(self.module)} (v\S+)", self.pins[0].read_text(), re.MULTILINE)
        if found is None:
            raise LookupError(f"{self.pins[0]} does not require {self.module}")
        return found[1]

    @property
    def flags(self) -> tuple[str, ...]:
        """The flags of `go build`: no symbol tables, no paths of this machine, the version stamped in."""
        major, minor, *_ = self.version.lstrip("v").split(".")
        words = {"version": self.version, "major": major, "minor": minor}
        stamps = [f"-X {variable}={text.format(**words)}" for variable, text in self.stamps.items()]
        tags = ("-tags", self.tags) if self.tags else ()
        return ("-trimpath", "-buildvcs=false", *tags, "-ldflags", " ".join(["-s -w", *stamps]))


_KUBERNETES_VERSION = {
    "gitVersion": "{version}",
    "gitMajor": "{major}",
    "gitMinor": "{minor}",
    "gitTreeState": "archive",
}

FAMILIES = (
    Family(
        name="pulumi",
        module="github.com/pulumi/pulumi/pkg/v3",
        packages={"pulumi": "cmd/pulumi"},
        # Without the version the CLI takes itself for a development build, and refuses half of its checks.
        stamps={"github.com/pulumi/pulumi/sdk/v3/go/common/version.Version": "{version}"},
        tags="osusergo,grpcnotrace",
        seconds=210,
    ),
    Family(name="etcd", module="go.etcd.io/etcd/server/v3", packages={"etcd": ""}, seconds=20),
    Family(name="kwok", module="sigs.k8s.io/kwok", packages={"kwok": "cmd/kwok"}, seconds=75),
    Family(
        name="kubernetes",
        module="k8s.io/kubernetes",
        packages={
            name: f"cmd/{name}" for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl")
        },
        stamps={f"k8s.io/component-base/version.{name}": text for name, text in _KUBERNETES_VERSION.items()},
        seconds=225,
    ),
)

ALL = tuple(name for family in FAMILIES for name in family.packages)
"""Every program that `ensure` knows."""


def owner(name: str) -> Family:
    """The family that `name` belongs to. Raises `ValueError` for a name that none has."""
    for family in FAMILIES:
        if name in family.packages:
            return family
    raise ValueError(f"no program {name!r} here; there are {', '.join(ALL)}")
