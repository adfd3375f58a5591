"""`aws:eks/addon:Addon`: software that EKS keeps in kube-system, and whether it got there.

Wording: Amazon EKS API reference, "CreateAddon", "AddonIssue", and the waiting of Pulumi's AWS provider, which wants
ACTIVE for up to 20 minutes and takes DEGRADED for "not yet".
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rehearsal.providers.base import Refused
from rehearsal.providers.values import UNKNOWN, Properties

from ...api import Api, ApiError
from ..account import Record
from ..behaviour import Behaviour, Moment, api_error, register
from . import addon_objects, identities, pace
from .addon_objects import ACCOUNTS, KEYS, NAMES, NAMESPACE, OWNER
from .plane import Plane
from .tokens import ADDON, CLUSTER, POD_IDENTITY

_VERSION = re.compile(r"v(\d+)\.(\d+)\.\d+-eksbuild\.\d+")
_MINUTES = 20.0
"""The provider's default time-out for creating and for updating an add-on."""
_SELF_MANAGED = ("vpc-cni", "kube-proxy", "coredns")
_KINDS = (
    *(("apps/v1", "Deployment"), ("apps/v1", "DaemonSet"), ("v1", "Service"), ("policy/v1", "PodDisruptionBudget")),
    *(("v1", "ServiceAccount"), ("storage.k8s.io/v1", "CSIDriver")),
)


@register(ADDON)
class Addon(Behaviour):
    """Makes the add-on's objects, and is there once their pods are."""

    def check(self, at: Moment, inputs: Mapping[str, Any]) -> Iterable[str]:
        """Name, version and configuration."""
        name, version, values = (inputs.get(key) for key in ("addonName", "addonVersion", "configurationValues"))
        if isinstance(name, str) and name != UNKNOWN and name not in NAMES:
            yield f"addonName: the rehearsal knows no EKS add-on {name}, only {', '.join(NAMES)}"
            return
        if isinstance(version, str) and version != UNKNOWN and not _VERSION.fullmatch(version):
            yield f"addonVersion: {version} is not of the form v1.2.3-eksbuild.4"
        if isinstance(values, str) and values not in ("", UNKNOWN) and isinstance(name, str) and name in KEYS:
            yield from _configuration_problems(name, values)

    def admit(self, at: Moment, inputs: Mapping[str, Any]) -> None:
        """Cluster, version, roles, and objects that are there already."""
        cluster = _cluster(at, inputs)
        _fits(inputs, cluster)
        _roles(at, inputs)
        found = [obj["metadata"]["name"] for obj in _made(Plane.of(at.account).api, inputs["addonName"], of_eks=False)]
        if found and inputs.get("resolveConflictsOnCreate") != "OVERWRITE":
            message = (
                "ConfigurationConflict: Conflicts found when trying to apply. Will not continue due to resolve "
                f"conflicts mode. Conflicts: {', '.join(found)}"
            )
            raise Refused(_unsuccessful(inputs, "create", "CREATE_FAILED", message))

    def identify(self, at: Moment, inputs: Mapping[str, Any]) -> str | None:
        """`cluster:name`."""
        return f"{inputs['clusterName']}:{inputs['addonName']}"

    def outputs(self, at: Moment, resource_id: str, outputs: Properties) -> Properties:
        """Its ARN."""
        return {"arn": at.arn("eks", f"addon/{outputs['clusterName']}/{outputs['addonName']}/{_serial(resource_id)}")}

    def created(self, at: Moment, outputs: Properties) -> Properties:
        """Make the objects and wait until the add-on is ACTIVE."""
        _associate(at, outputs)
        self._install(at, outputs, "create")
        return {}

    def admit_update(self, at: Moment, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        """As at the creation."""
        _fits(new, _cluster(at, new))
        _roles(at, new)

    def updated(self, at: Moment, outputs: Properties) -> Properties:
        """Change the objects and wait until the add-on is ACTIVE again."""
        _associate(at, outputs)
        self._install(at, outputs, "update")
        return {}

    def deleted(self, at: Moment, outputs: Mapping[str, Any]) -> None:
        """Take the objects away, unless told to preserve them."""
        for each in at.account.find(POD_IDENTITY, owner=ADDON, serviceAccount=ACCOUNTS.get(outputs["addonName"], "")):
            at.account.delete(POD_IDENTITY, each.id)
        if not outputs.get("preserve"):
            _remove(Plane.of(at.account).api, outputs["addonName"])

    def _install(self, at: Moment, outputs: Properties, verb: str) -> None:
        api, name = Plane.of(at.account).api, outputs["addonName"]
        wanted = _objects(outputs)
        for obj in wanted:
            api.apply(obj, field_manager="eks")
        kept = {(obj["kind"], obj["metadata"]["name"]) for obj in wanted}
        for obj in _made(api, name):
            if (obj["kind"], obj["metadata"]["name"]) not in kept:
                _delete(api, obj)
        if problem := pace.settled(at, lambda: _health(api, name), minutes=_MINUTES):
            waited = "timeout while waiting for state to become 'ACTIVE' (last state: 'DEGRADED', timeout: 20m0s)"
            raise Refused(f"waiting for EKS Add-On ({at.id or _id(outputs)}) {verb}: {waited}: {problem}")


def bootstrap(api: Api, version: str) -> None:
    """The add-ons that EKS puts into a new cluster by itself, and that nobody manages afterwards."""
    for name in _SELF_MANAGED:
        for obj in addon_objects.objects(name, f"v{version}.0-eksbuild.1", {}):
            obj["metadata"]["labels"][OWNER] = f"{name}-self-managed"
            api.apply(obj, field_manager="eks-bootstrap")


def active(api: Api, name: str) -> bool:
    """Whether the add-on is there and healthy."""
    return bool(_made(api, name)) and not _health(api, name).problem


def _configuration_problems(name: str, text: str) -> Iterator[str]:
    try:
        values = json.loads(text)
    except ValueError as error:
        yield f"configurationValues: not JSON: {error}"
        return
    unknown = sorted(set(values) - KEYS[name]) if isinstance(values, Mapping) else ["(not an object)"]
    for key in unknown:
        yield (
            "configurationValues: ConfigurationValue provided in request is not supported: Json schema validation "
            f"failed with error: [$.{key}: is not defined in the schema and the schema does not allow additional properties]"
        )


def _cluster(at: Moment, inputs: Mapping[str, Any]) -> Record:
    cluster = at.account.get(CLUSTER, inputs["clusterName"])
    if cluster is None:
        message = f"No cluster found for name: {inputs['clusterName']}."
        raise api_error("EKS", "CreateAddon", "ResourceNotFoundException", message, status=404)
    return cluster


def _fits(inputs: Mapping[str, Any], cluster: Record) -> None:
    """kube-proxy is of Kubernetes' own minor, and no newer than the API server."""
    found = _VERSION.fullmatch(inputs.get("addonVersion") or "")
    if inputs["addonName"] != "kube-proxy" or found is None:
        return
    own, most = int(found[2]), int(cluster["version"].split(".")[1])
    if not most - 3 <= own <= most:
        message = f"Addon version specified is not supported: {found[0]} with Kubernetes {cluster['version']}"
        raise api_error("EKS", "CreateAddon", "InvalidParameterException", message)


def _roles(at: Moment, inputs: Mapping[str, Any]) -> None:
    arns = [inputs.get("serviceAccountRoleArn")]
    arns += [each["roleArn"] for each in inputs.get("podIdentityAssociations") or ()]
    for arn in filter(None, arns):
        if identities.role_of(at.account, arn) is None:
            message = f"Role {arn} does not exist"
            raise api_error("EKS", "CreateAddon", "InvalidParameterException", message)


def _associate(at: Moment, outputs: Mapping[str, Any]) -> None:
    """The associations that the add-on was given are its own: they come and go with it."""
    for each in outputs.get("podIdentityAssociations") or ():
        name = each["serviceAccount"]
        known = {"namespace": NAMESPACE, "serviceAccount": name, "roleArn": each["roleArn"], "owner": ADDON}
        made = {"clusterName": outputs["clusterName"]} | known
        at.account.put(Record(token=POD_IDENTITY, id=f"a-{_serial(name)}", region=at.region, outputs=made))


def _objects(outputs: Mapping[str, Any]) -> list[dict[str, Any]]:
    values = json.loads(outputs.get("configurationValues") or "{}")
    name = outputs["addonName"]
    made = addon_objects.objects(name, outputs.get("addonVersion") or "default", values)
    for obj in made:
        if obj["kind"] == "ServiceAccount" and obj["metadata"]["name"] == ACCOUNTS.get(name):
            arn = outputs.get("serviceAccountRoleArn")
            obj["metadata"]["annotations"] = {identities.ROLE_ARN: arn} if arn else {}
    return made


def _made(api: Api, name: str, *, of_eks: bool = True) -> list[dict[str, Any]]:
    """The objects that the add-on made; without `of_eks`, those of the same software that nobody manages."""
    owner = name if of_eks else f"{name}-self-managed"
    return [obj for version, kind in _KINDS for obj in api.list(version, kind, label_selector=f"{OWNER}={owner}")]


def _remove(api: Api, name: str) -> None:
    for obj in _made(api, name):
        _delete(api, obj)


def _delete(api: Api, obj: Mapping[str, Any]) -> None:
    meta = obj["metadata"]
    try:
        api.delete(obj["apiVersion"], obj["kind"], meta["name"], meta.get("namespace"), propagation="Background")
    except ApiError as error:
        if error.status != 404:
            raise


def _health(api: Api, name: str) -> pace.Outlook:
    """As EKS judges an add-on: by the replicas of its workloads."""
    for obj in _made(api, name):
        status, kind = obj.get("status") or {}, obj["kind"]
        if kind == "Deployment":
            wanted, there = obj["spec"].get("replicas", 1), status.get("availableReplicas", 0)
            updated = status.get("updatedReplicas", 0)
        elif kind == "DaemonSet":
            wanted, there = status.get("desiredNumberScheduled", 0), status.get("numberAvailable", 0)
            updated = status.get("updatedNumberScheduled", wanted)
        else:
            continue
        observed = status.get("observedGeneration", 0) >= obj["metadata"].get("generation", 1)
        if not observed:
            return pace.Outlook(f"{kind} {obj['metadata']['name']} has not been seen by its controller")
        if there < wanted or updated < wanted:
            text = "InsufficientNumberOfReplicas: The add-on is unhealthy because it doesn't have the desired number of replicas."
            counts = f"{text} ({obj['metadata']['name']}: {there} of {wanted})"
            reasons = list(_reasons(api, obj))
            return pace.Outlook("; ".join([counts, *reasons[:2]]), stuck=bool(reasons))
    return pace.Outlook()


def _reasons(api: Api, workload: Mapping[str, Any]) -> Iterator[str]:
    """Why pods of the workload will not become ready by waiting."""
    labels = workload["spec"]["selector"]["matchLabels"]
    selector = ",".join(f"{key}={value}" for key, value in labels.items())
    for pod in api.list("v1", "Pod", NAMESPACE, label_selector=selector):
        status = pod.get("status") or {}
        for each in status.get("conditions") or ():
            if each["type"] == "PodScheduled" and each["status"] == "False":
                yield f"{pod['metadata']['name']}: {each.get('message', '')}"
        for each in status.get("containerStatuses") or ():
            waiting = (each.get("state") or {}).get("waiting") or {}
            if waiting.get("reason") in ("CrashLoopBackOff", "ImagePullBackOff"):
                yield f"{pod['metadata']['name']}: {waiting.get('message', '')}"


def _unsuccessful(inputs: Mapping[str, Any], verb: str, state: str, why: str) -> str:
    wanted = f"unexpected state '{state}', wanted target 'ACTIVE'. last error: {why}"
    return f"waiting for EKS Add-On ({_id(inputs)}) {verb}: {wanted}"


def _id(inputs: Mapping[str, Any]) -> str:
    return f"{inputs['clusterName']}:{inputs['addonName']}"


def _serial(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
