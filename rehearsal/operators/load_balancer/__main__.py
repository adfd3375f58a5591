"""`python -m rehearsal.operators.load_balancer`: the process behind a pod of aws-load-balancer-controller.

Of several replicas one works at a time, as with the real one's leader election.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
import threading
import time
from typing import Any

import kopf

from ...api import Api
from ...aws.account import Account
from ...kubelet.processes import ARGUMENTS
from ..runtime import Workers, run
from .account import Balancers
from .reconciler import GROUP, Reconciler, scaled

_KINDS = (
    ("networking.k8s.io", "v1", "ingresses"),
    ("networking.k8s.io", "v1", "ingressclasses"),
    ("elbv2.k8s.aws", "v1beta1", "ingressclassparams"),
    ("elbv2.k8s.aws", "v1beta1", "targetgroupbindings"),
)


class _Leader:
    """Holds one file's lock for as long as the process lives; until then there is nothing to do."""

    def __init__(self, account: Account) -> None:
        account.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = (account.path.parent / ".load-balancer-controller").open("a")
        self._lock = threading.Lock()
        self._leads = False

    def leads(self) -> bool:
        with self._lock:
            if not self._leads:
                try:
                    fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    self._leads = True
                except BlockingIOError:
                    return False
            return True


def main() -> int:
    """Run until told to stop; returns the exit status."""
    flags = dict(each.removeprefix("--").partition("=")[::2] for each in json.loads(os.environ.get(ARGUMENTS) or "[]"))
    account = Account.here()
    leader = _Leader(account)
    balancers = Balancers(
        account=account,
        region=flags.get("aws-region") or os.environ.get("AWS_REGION", ""),
        cluster=flags.get("cluster-name", ""),
        vpc_id=flags.get("aws-vpc-id") or None,
    )
    by_annotation = flags.get("disable-ingress-group-name-annotation") != "true"

    def register(registry: kopf.OperatorRegistry, api: Api) -> None:
        reconciler = Reconciler(
            api, balancers, by_annotation=by_annotation, wait=lambda seconds: time.sleep(scaled(seconds))
        )
        workers = Workers(lambda *_: reconciler.reconcile() if leader.leads() else 2.0)
        for group, version, plural in _KINDS:

            @kopf.on.event(group, version, plural, registry=registry)
            async def changed(**_: Any) -> None:
                # one queue for all: groups span Ingresses
                await workers.handle("all", "", "")

    return run("aws-load-balancer-controller", register, (), kinds=((GROUP, "IngressClassParams"),))


if __name__ == "__main__":
    sys.exit(main())
