"""Where a Helm chart comes from, in the two forms that Pulumi and W&B's operator want it in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class ChartSource:
    """One version of one chart in a repository: `https://host/path`, or `oci://host/path` without the chart's name."""

    repository: str
    name: str
    version: str

    @property
    def _oci(self) -> str | None:
        return f"{self.repository.rstrip('/')}/{self.name}" if self.repository.startswith("oci://") else None

    def release(self) -> dict[str, Any]:
        """The arguments of a `helm.v3.Release` that name this chart."""
        if self._oci:
            return {"chart": self._oci, "version": self.version}
        return {"chart": self.name, "version": self.version, "repository_opts": {"repo": self.repository}}

    def spec(self) -> dict[str, str]:
        """`spec.chart` of a WeightsAndBiases resource."""
        if self._oci:
            return {"url": self._oci, "version": self.version}
        return {"url": self.repository, "name": self.name, "version": self.version}
