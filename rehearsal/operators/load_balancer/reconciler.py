"""What the controller does about a group of Ingresses: one look at the cluster, one at the account, one step.

Finalizers, events and their order follow AWS Load Balancer Controller: members get the group's finalizer before the load
balancer is made, and lose it when it no longer knows them; the last one takes the load balancer with it.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Mapping
from typing import Any

from ...api import Api, ApiError
from ...aws import latency
from ...kubelet.events import event
from ..runtime import set_finalizer
from . import groups
from .account import Balancers, Refused
from .groups import BadModel, Group

Object = dict[str, Any]
log = logging.getLogger(__name__)

GROUP = "elbv2.k8s.aws/v1beta1"
INGRESS = ("networking.k8s.io/v1", "Ingress")
BINDING_FINALIZER = "elbv2.k8s.aws/resources"
_STACK = "ingress.k8s.aws/stack"
_PROVISION = 150.0
"""Seconds until a new ALB is active (`rehearsal.aws.latency`)."""
_RELEASE = 60.0
"""Seconds until a deleted ALB's network interfaces let go of subnets and security groups."""
_AGAIN = 1.0


class Reconciler:
    """Reconciles by group; handed any Ingress or class it looks at all groups that there are."""

    def __init__(self, api: Api, balancers: Balancers, *, by_annotation: bool, wait: Any) -> None:
        """`wait(seconds)` lets so many seconds of AWS pass, scaled."""
        self._api = api
        self._balancers = balancers
        self._by_annotation = by_annotation
        self._wait = wait
        self._said: dict[tuple[str, str], None] = {}

    def reconcile(self) -> float | None:
        """One pass; seconds until the next one is wanted, None when all is as it should be."""
        again = None
        for group in self._groups():
            try:
                self._settle(group)
            except (BadModel, Refused) as error:
                kind = "FailedBuildModel" if isinstance(error, BadModel) else "FailedDeployModel"
                for ingress in (*group.members, *group.leaving):
                    self._tell(
                        ingress,
                        kind,
                        f"Failed {'build' if kind.endswith('BuildModel') else 'deploy'} model due to {error}",
                    )
                again = _AGAIN
        self._drop_bindings()
        return again

    # --- groups

    def _groups(self) -> Iterable[Group]:
        classes = {
            each["metadata"]["name"]: each
            for each in self._api.list("networking.k8s.io/v1", "IngressClass")
            if each["spec"].get("controller") == groups.CONTROLLER
        }
        found: dict[tuple[str, bool], list[tuple[Object, Object]]] = {}
        for ingress in self._api.list(*INGRESS):
            one = classes.get((ingress.get("spec") or {}).get("ingressClassName") or "")
            if one is None:
                self._orphaned(ingress, found)
                continue
            params = self._params(one)
            if not self._admitted(ingress, params):
                continue
            key = groups.group_of(ingress, params, by_annotation=self._by_annotation)
            found.setdefault(key, []).append((ingress, params))
        for (name, explicit), entries in found.items():
            going = [ingress for ingress, _ in entries if "deletionTimestamp" in ingress["metadata"]]
            staying = [ingress for ingress, _ in entries if "deletionTimestamp" not in ingress["metadata"]]
            yield Group(
                name=name,
                explicit=explicit,
                members=tuple(sorted(staying, key=lambda each: each["metadata"]["creationTimestamp"])),
                leaving=tuple(going),
                params=entries[0][1],
            )

    def _orphaned(self, ingress: Object, found: dict[tuple[str, bool], list[tuple[Object, Object]]]) -> None:
        """One whose class has gone is still let go of, if it is on its way out and held by a group's finalizer."""
        held = [each for each in ingress["metadata"].get("finalizers") or () if each.startswith(groups.FINALIZER)]
        if held and "deletionTimestamp" in ingress["metadata"]:
            found.setdefault((held[0].removeprefix(groups.FINALIZER), True), []).append((ingress, {}))

    def _params(self, one: Object) -> Object:
        reference = one["spec"].get("parameters") or {}
        if reference.get("kind") != "IngressClassParams":
            return {}
        found = self._api.read(GROUP, "IngressClassParams", reference["name"])
        return (found or {}).get("spec") or {}

    def _admitted(self, ingress: Object, params: Object) -> bool:
        selector = params.get("namespaceSelector")
        if not selector:
            return True
        space = self._api.read("v1", "Namespace", ingress["metadata"]["namespace"]) or {}
        labels = (space.get("metadata") or {}).get("labels") or {}
        if groups.admits(selector, labels):
            return True
        text = "invalid ingress class: namespaceSelector of IngressClassParams mismatch"
        self._tell(ingress, "FailedBuildModel", f"Failed build model due to {text}")
        return False

    # --- one group

    def _settle(self, group: Group) -> None:
        name = groups.load_balancer_name(group.name, self._balancers.cluster, explicit=group.explicit)
        if not group.members:
            self._close(group, name)
            return
        for ingress in group.members:
            set_finalizer(self._api, ingress, group.finalizer, present=True)
        wanted = groups.wanted(group, self._balancers.cluster)
        vpc = self._balancers.check(wanted)
        fresh = self._balancers.find(wanted.name) is None
        self._balancers.put(wanted, vpc, group=group.name)
        self._bind(group, wanted.backends, vpc)
        if fresh:
            log.info("ALB %s: provisioning", wanted.name)
            self._wait(_PROVISION)
        host = self._balancers.host(wanted)
        for ingress in group.members:
            self._announce(ingress, host)
        for ingress in group.leaving:
            set_finalizer(self._api, ingress, group.finalizer, present=False)

    def _close(self, group: Group, name: str) -> None:
        record = self._balancers.find(name)
        if record is not None:
            self._bind(group, (), "")
            self._balancers.delete(record)
            log.info("ALB %s: deleted", name)
            self._wait(_RELEASE)
        for ingress in group.leaving:
            set_finalizer(self._api, ingress, group.finalizer, present=False)

    def _announce(self, ingress: Mapping[str, Any], host: str) -> None:
        status = ((ingress.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
        if [each.get("hostname") for each in status] == [host]:
            return
        meta = ingress["metadata"]
        body = {"status": {"loadBalancer": {"ingress": [{"hostname": host}]}}}
        self._api.patch(*INGRESS, meta["name"], meta["namespace"], body=body, subresource="status")
        self._tell(ingress, "SuccessfullyReconciled", "Successfully reconciled", kind="Normal")

    # --- target groups

    def _bind(self, group: Group, backends: Iterable[tuple[str, str, str]], vpc: str) -> None:
        """A target group and its binding for each Service, and none for those that are no longer behind it."""
        kept = set()
        for space, service, port in backends:
            if self._api.read("v1", "Service", service, space) is None:
                continue  # the rule answers 503 until there is one (tolerate-non-existent-backend-service)
            name = _target_group_name(space, service, port)
            kept.add((space, name))
            if self._api.read(GROUP, "TargetGroupBinding", name, space) is None:
                self._create_binding(group, (space, name), service, port, self._balancers.target_group(name, vpc))
        for binding in self._api.list(GROUP, "TargetGroupBinding", label_selector=f"{_STACK}={_label(group.name)}"):
            meta = binding["metadata"]
            if (meta["namespace"], meta["name"]) not in kept and "deletionTimestamp" not in meta:
                self._api.delete(GROUP, "TargetGroupBinding", meta["name"], meta["namespace"], propagation="Background")

    def _create_binding(self, group: Group, place: tuple[str, str], service: str, port: str, target_group: str) -> None:
        space, name = place
        reference: Object = {"name": service, "port": int(port) if port.isdigit() else port}
        binding = {
            "apiVersion": GROUP,
            "kind": "TargetGroupBinding",
            "metadata": {
                "name": name,
                "namespace": space,
                "labels": {_STACK: _label(group.name)},
                "finalizers": [BINDING_FINALIZER],
            },
            "spec": {"serviceRef": reference, "targetGroupARN": target_group, "targetType": "ip"},
        }
        try:
            self._api.create(binding)
        except ApiError as error:
            if error.reason != "AlreadyExists":
                raise

    def _drop_bindings(self) -> None:
        """Let go of bindings that are being deleted, with their target groups."""
        for binding in self._api.list(GROUP, "TargetGroupBinding"):
            if "deletionTimestamp" in binding["metadata"]:
                self._balancers.delete_target_group(binding["spec"]["targetGroupARN"])
                set_finalizer(self._api, binding, BINDING_FINALIZER, present=False)

    def _tell(self, ingress: Mapping[str, Any], reason: str, message: str, *, kind: str = "Warning") -> None:
        key = (ingress["metadata"]["uid"], message)
        if key in self._said:
            return
        self._said[key] = None
        log.info("%s/%s: %s", ingress["metadata"]["namespace"], ingress["metadata"]["name"], message)
        try:
            self._api.create(event(ingress, "ingress", reason, message, kind=kind, owner_kind="Ingress"))
        except ApiError as error:
            log.debug("event: %s", error)


def scaled(seconds: float) -> float:
    """Real seconds of AWS's time."""
    return seconds * latency.scale()


def _target_group_name(space: str, service: str, port: str) -> str:
    digest = hashlib.sha256(f"{space} {service} {port}".encode()).hexdigest()[:10]
    return f"k8s-{space[:8].strip('-')}-{service[:8].strip('-')}-{digest}"


def _label(group: str) -> str:
    return group.replace("/", "_")[:63]
