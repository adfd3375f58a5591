"""The embedded control plane, as the one EKS cluster of a rehearsed account hands it out.

One rehearsal has one control plane, so one EKS cluster at a time can exist in its account.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...api import Api, load_kubeconfig
from ...control_plane import inventory
from ...control_plane.inventory import Item
from ...state import State
from ..account import Account


def issuer(stack: str, region: str, dns_suffix: str) -> str:
    """The issuer of the cluster's service-account tokens, in EKS's form; the same for the life of a rehearsal."""
    number = hashlib.sha256(stack.encode()).hexdigest()[:32].upper()
    return f"https://oidc.eks.{region}.{dns_suffix}/id/{number}"


@dataclass(frozen=True)
class Plane:
    """What a running control plane is reached by."""

    state: State

    @classmethod
    def of(cls, account: Account) -> Plane:
        """That of the rehearsal which the account belongs to."""
        return cls(State(account.path.parent.parent))

    @property
    def api(self) -> Api:
        """The cluster as its administrator."""
        return Api.from_kubeconfig(self.state.kubeconfig)

    @property
    def endpoint(self) -> str:
        """URL of the API server."""
        return self._config("clusters", "cluster")["server"]

    @property
    def authority(self) -> str:
        """The authority's certificate, as EKS hands it out: PEM in base64."""
        return self._config("clusters", "cluster")["certificate-authority-data"]

    @property
    def token(self) -> str:
        """The administrator's bearer token."""
        return self._config("users", "user")["token"]

    def pristine(self) -> set[Item]:
        """What the control plane held before anything used it."""
        return inventory.load(self.state.baseline)

    def _config(self, section: str, entry: str) -> Mapping[str, Any]:
        return load_kubeconfig(self.state.kubeconfig)[section][0][entry]
