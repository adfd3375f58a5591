"""`python -m rehearsal.operators.wandb`: the process behind a pod of wandb/controller.

The kubelet stand-in starts it with the pod's environment and a kubeconfig of the pod's service account.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import kopf

from ...api import Api
from ..runtime import Workers, run
from .reconciler import API_VERSION, KIND, Reconciler


def main() -> int:
    """Run until told to stop; returns the exit status."""
    airgapped = os.environ.get("AIRGAPPED", "").lower() == "true"
    namespace = os.environ.get("OPERATOR_NAMESPACE") or "wandb"

    def register(registry: kopf.OperatorRegistry, api: Api) -> None:
        workers = Workers(Reconciler(api, airgapped=airgapped, namespace=namespace).reconcile)
        group, _, version = API_VERSION.partition("/")

        @kopf.on.event(group, version, "weightsandbiases", registry=registry)
        async def changed(namespace: str | None, name: str | None, **_: Any) -> None:
            await workers.handle(KIND, namespace or "", name or "")

    return run("wandb-controller", register, (), kinds=((API_VERSION, KIND),))


if __name__ == "__main__":
    sys.exit(main())
