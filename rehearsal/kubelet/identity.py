"""Pods that AWS would not let in: those whose ServiceAccount has no role, or one that it may not assume."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..aws.account import Account
from ..aws.eks import identities
from ..aws.eks.tokens import NODE_GROUP
from ..control_plane.nodes import MANAGED
from ..control_plane.nodes import NODE_GROUP as GROUP_LABEL
from . import gate
from .cache import Cache

Object = Mapping[str, Any]
KINDS = (("v1", "ServiceAccount"),)


class Identities:
    """What AWS says to the pods of one account's cluster. Without an account nobody is refused."""

    def __init__(self, account: Account, cache: Cache) -> None:
        self._account = account
        self._cache = cache
        self._seen: tuple[int, int] = (0, 0)
        self._answers: dict[tuple[str, str, str], str | None] = {}
        self._late: dict[str, str] = {}

    def obstacle(self, pod: Object) -> gate.Obstacle | None:
        """Why the pod's process would end at once; None when it would not."""
        if not self._account.path.exists():
            return None
        uid = pod["metadata"]["uid"]
        message = self._late.get(uid) or self._refusal(pod)
        if not message:
            return None
        if "neither a Pod Identity association" in message:
            # credentials are injected when a pod is made: an association that comes later is for later pods
            self._late[uid] = f"{message} when the pod was made"
        text = f"back-off 10s restarting failed container: {message}"
        return gate.Obstacle(reason="CrashLoopBackOff", message=text, event="BackOff")

    def _refusal(self, pod: Object) -> str | None:
        name = pod["spec"].get("serviceAccountName", "default")
        account = self._cache.get("ServiceAccount", name, pod["metadata"]["namespace"])
        if account is None or all(
            (account["metadata"].get("labels") or {}).get(key) == value for key, value in MANAGED.items()
        ):
            return None
        role = self._node_role(pod)
        found = self._account.path.stat()
        stamp = (found.st_mtime_ns, found.st_size)
        if stamp != self._seen:
            self._seen, self._answers = stamp, {}
        key = (account["metadata"]["uid"], account["metadata"]["resourceVersion"], role or "")
        if key not in self._answers:
            self._answers[key] = identities.refusal(self._account, account, node_role_arn=role)
        return self._answers[key]

    def _node_role(self, pod: Object) -> str | None:
        node = self._cache.get("Node", pod["spec"].get("nodeName") or "") or {}
        group = ((node.get("metadata") or {}).get("labels") or {}).get(GROUP_LABEL)
        if not group or not pod["spec"].get("hostNetwork"):
            return None
        found = self._account.find(NODE_GROUP, nodeGroupName=group)
        return found[0]["nodeRoleArn"] if found else None
