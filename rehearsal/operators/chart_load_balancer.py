"""Chart `aws-load-balancer-controller` 3.5.x of AWS's eks-charts: the controller that makes ALBs of Ingresses.

Left out: the webhooks. Behind them nothing would answer here, and the API server would refuse every Ingress; so a rehearsal
does not notice an Ingress that is made before the controller runs, which the real webhook refuses.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any

from .. import crds
from .chart import BadValues, Chart, Object, Release, without_empty
from .load_balancer.definitions import DEFINITIONS, GROUP

NAME = "aws-load-balancer-controller"
_RBAC = "rbac.authorization.k8s.io"

_DEFAULTS: dict[str, Any] = {
    "replicaCount": 2,
    "image": {"repository": f"public.ecr.aws/eks/{NAME}", "tag": "v3.5.0"},
    "serviceAccount": {"create": True, "annotations": {}},
    "rbac": {"create": True},
    "resources": {},
    "priorityClassName": "system-cluster-critical",
    "nodeSelector": {},
    "tolerations": [],
    "affinity": {},
    "configureDefaultAffinity": True,
    "podDisruptionBudget": {},
    "ingressClass": "alb",
    "createIngressClassResource": True,
    "ingressClassParams": {"create": True, "spec": {}},
    "ingressClassConfig": {"default": False},
}
_RULES: tuple[tuple[str, str, str], ...] = (
    ("", "configmaps", "create delete get update"),
    ("", "endpoints namespaces nodes pods", "get list watch"),
    ("", "events", "create patch"),
    ("", "pods/status services/status", "patch update"),
    ("", "services", "get list patch update watch"),
    ("discovery.k8s.io", "endpointslices", "get list watch"),
    (GROUP, "ingressclassparams", "get list watch"),
    (GROUP, "targetgroupbindings", "create delete get list patch update watch"),
    (GROUP, "targetgroupbindings/status", "patch update"),
    ("networking.k8s.io", "ingresses", "get list patch update watch"),
    ("networking.k8s.io", "ingresses/status", "patch update"),
    ("networking.k8s.io", "ingressclasses", "get list watch"),
)


def _objects(release: Release) -> list[Object]:
    if not release.values.get("clusterName"):
        raise BadValues("Chart cannot be installed without a valid clusterName!")
    definitions = [crds.definition(each) for each in DEFINITIONS]
    return [*definitions, *_accounts(release), *_webhook(release), *_workload(release), *_class(release)]


def _account(release: Release) -> str:
    given = release.values["serviceAccount"]
    return given.get("name") or (release.fullname if given["create"] else "default")


def _labels(release: Release) -> dict[str, str]:
    return {"app.kubernetes.io/name": NAME, "app.kubernetes.io/instance": release.name}


def _accounts(release: Release) -> Iterator[Object]:
    given, place = release.values["serviceAccount"], {"namespace": release.namespace}
    if given["create"]:
        metadata = {"name": _account(release), **place, "annotations": given.get("annotations") or {}}
        yield {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}
    if not release.values["rbac"]["create"]:
        return
    subjects = [{"kind": "ServiceAccount", "name": _account(release), **place}]
    leader = [
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create", "get", "patch", "update"]},
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create", "get", "patch", "update"]},
    ]
    rules = [
        {"apiGroups": [group], "resources": kinds.split(), "verbs": verbs.split()} for group, kinds, verbs in _RULES
    ]
    for kind, name, where, what in (
        ("Role", f"{release.fullname}-leader-election", place, leader),
        ("ClusterRole", release.fullname, {}, rules),
    ):
        yield {
            "apiVersion": f"{_RBAC}/v1",
            "kind": kind,
            "metadata": {"name": f"{name}-role", **where},
            "rules": what,
        }
        yield {
            "apiVersion": f"{_RBAC}/v1",
            "kind": f"{kind}Binding",
            "metadata": {"name": f"{name}-rolebinding", **where},
            "roleRef": {"apiGroup": _RBAC, "kind": kind, "name": f"{name}-role"},
            "subjects": subjects,
        }


def _webhook(release: Release) -> Iterator[Object]:
    place = {"namespace": release.namespace}
    unused = base64.b64encode(b"a stand-in: no webhook is served").decode()
    yield {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {"name": "aws-load-balancer-tls", **place},
        "data": dict.fromkeys(("ca.crt", "tls.crt", "tls.key"), unused),
    }
    yield {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "aws-load-balancer-webhook-service", **place},
        "spec": {
            "ports": [{"port": 443, "name": "webhook-server", "targetPort": "webhook-server"}],
            "selector": _labels(release),
        },
    }


def _arguments(values: Mapping[str, Any]) -> list[str]:
    flags = {
        "cluster-name": values["clusterName"],
        "ingress-class": values.get("ingressClass"),
        "aws-region": values.get("region"),
        "aws-vpc-id": values.get("vpcId"),
        "default-target-type": values.get("defaultTargetType"),
    }
    switches = {
        "disable-ingress-group-name-annotation": values.get("disableIngressGroupNameAnnotation"),
        "enable-shield": values.get("enableShield"),
        "enable-waf": values.get("enableWaf"),
        "enable-wafv2": values.get("enableWafv2"),
    }
    given = [f"--{key}={value}" for key, value in flags.items() if value]
    return given + [f"--{key}={str(value).lower()}" for key, value in switches.items() if isinstance(value, bool)]


def _workload(release: Release) -> Iterator[Object]:
    values, labels = release.values, _labels(release)
    apart = {
        "labelSelector": {"matchLabels": {"app.kubernetes.io/name": NAME}},
        "topologyKey": "kubernetes.io/hostname",
    }
    spread = {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [_weighted(apart)]}}
    container = {
        "name": NAME,
        "image": f"{values['image']['repository']}:{values['image']['tag']}",
        "args": _arguments(values),
        "resources": values["resources"],
        "ports": [{"name": "webhook-server", "containerPort": 9443}],
        "volumeMounts": [{"name": "cert", "mountPath": "/tmp/k8s-webhook-server/serving-certs", "readOnly": True}],
    }
    pod = {
        "serviceAccountName": _account(release),
        "priorityClassName": values["priorityClassName"],
        "volumes": [{"name": "cert", "secret": {"secretName": "aws-load-balancer-tls"}}],
        "containers": [without_empty(container)],
        "nodeSelector": values["nodeSelector"],
        "tolerations": values["tolerations"],
        "affinity": values["affinity"] or (spread if values["configureDefaultAffinity"] else {}),
        "terminationGracePeriodSeconds": 10,
    }
    yield {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": release.fullname, "namespace": release.namespace, "labels": labels},
        "spec": {
            "replicas": values["replicaCount"],
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": without_empty(pod)},
        },
    }
    if values["podDisruptionBudget"] and values["replicaCount"] > 1:
        yield {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": {"name": release.fullname, "namespace": release.namespace},
            "spec": {**values["podDisruptionBudget"], "selector": {"matchLabels": labels}},
        }


def _weighted(term: Object) -> Object:
    return {"weight": 100, "podAffinityTerm": term}


def _class(release: Release) -> Iterator[Object]:
    values = release.values
    params = values["ingressClassParams"]
    name = params.get("name") or values["ingressClass"]
    if params["create"] and values["createIngressClassResource"]:
        yield {
            "apiVersion": f"{GROUP}/v1beta1",
            "kind": "IngressClassParams",
            "metadata": {"name": name},
            "spec": params.get("spec") or {},
        }
    if values["createIngressClassResource"]:
        reference = {"apiGroup": GROUP, "kind": "IngressClassParams", "name": name}
        spec = {"controller": "ingress.k8s.aws/alb"} | ({"parameters": reference} if params["create"] else {})
        yield {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "IngressClass",
            "metadata": {"name": values["ingressClass"]},
            "spec": spec,
        }


CHART = Chart(
    name=NAME,
    repositories=("https://aws.github.io/eks-charts",),
    versions=tuple(f"3.5.{patch}" for patch in range(4)),
    defaults=_DEFAULTS,
    objects=_objects,
)
