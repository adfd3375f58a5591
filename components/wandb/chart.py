"""Where a Helm chart comes from, in the two forms that Pulumi and W&B's operator want it in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi


@dataclass(frozen=True, kw_only=True)
class ChartSource:
    """One version of one chart in a repository: `https://host/path`, or `oci://host/path` without the chart's name."""

    repository: str
    name: str
    version: str
    credentials: pulumi.Input[str] | None = None
    """A Secret in the namespace of the WeightsAndBiases resource with HELM_USERNAME and HELM_PASSWORD, by which W&B's operator
    reads an `oci://` repository. Pulumi itself uses the login of whoever runs it (`helm registry login`)."""

    def __post_init__(self) -> None:
        if self.credentials is not None and not self._oci:
            # to uninstall, the operator fetches the chart of any other repository again, without a login
            raise ValueError(f"credentials: given for {self.repository}, which W&B's operator could not uninstall from")

    @property
    def _oci(self) -> str | None:
        return f"{self.repository.rstrip('/')}/{self.name}" if self.repository.startswith("oci://") else None

    def release(self) -> dict[str, Any]:
        """The arguments of a `helm.v3.Release` that name this chart."""
        if self._oci:
            return {"chart": self._oci, "version": self.version}
        return {"chart": self.name, "version": self.version, "repository_opts": {"repo": self.repository}}

    def spec(self) -> dict[str, Any]:
        """`spec.chart` of a WeightsAndBiases resource."""
        if self._oci:
            login = {"credentialSecret": {"name": self.credentials}} if self.credentials is not None else {}
            return {"url": self._oci, "version": self.version, **login}
        return {"url": self.repository, "name": self.name, "version": self.version}
