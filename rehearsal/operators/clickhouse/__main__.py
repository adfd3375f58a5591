"""`python -m rehearsal.operators.clickhouse`: the process behind a pod of altinity/clickhouse-operator.

The kubelet stand-in starts it with the pod's environment and a kubeconfig of the pod's service account.
"""

from __future__ import annotations

import sys
from typing import Any

import kopf

from ...api import Api
from ..runtime import Workers, run
from . import settings
from .layout import FLAVOURS, Flavour
from .reconciler import Reconciler


def main() -> int:
    """Run until told to stop; returns the exit status."""
    configured = settings.load(Api.from_kubeconfig(None))

    def register(registry: kopf.OperatorRegistry, api: Api) -> None:
        workers = Workers(Reconciler(api, configured).reconcile)
        for flavour in FLAVOURS.values():
            _watch(registry, flavour, workers)

    kinds = tuple((flavour.api_version, flavour.kind) for flavour in FLAVOURS.values())
    return run("clickhouse-operator", register, configured.namespaces, kinds=kinds)


def _watch(registry: kopf.OperatorRegistry, flavour: Flavour, workers: Workers) -> None:
    async def changed(namespace: str | None, name: str | None, **_: Any) -> None:
        await workers.handle(flavour.kind, namespace or "", name or "")

    kopf.on.event(flavour.group, "v1", f"{flavour.kind.lower()}s", registry=registry)(changed)


if __name__ == "__main__":
    sys.exit(main())
