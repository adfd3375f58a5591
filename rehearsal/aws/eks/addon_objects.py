"""What EKS's add-ons put into kube-system: their workloads with the requests that the scheduler sees.

Reduced to what a rehearsal can see: no RBAC (nothing of it runs here), and of metrics-server no APIService, since nothing
would answer behind it. Requests and replicas are the defaults of the add-ons' own configuration schemas and charts:

    vpc-cni                  amazon-vpc-cni-k8s, chart aws-vpc-cni: 25m for each container
    kube-proxy               EKS add-on: 100m
    coredns                  EKS add-on: two replicas of 100m and 70Mi
    eks-pod-identity-agent   its chart: none
    aws-ebs-csi-driver       its chart: 10m and 40Mi for each container, two controllers
    metrics-server           EKS add-on: two replicas of 100m and 200Mi
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

Object = dict[str, Any]
Values = Mapping[str, Any]

NAMESPACE = "kube-system"
OWNER = "rehearsal/eks-addon"
"""Label of every object that an add-on made, with the add-on's name."""
DRIVER = "ebs.csi.aws.com"

_SCHEMAS = {
    "vpc-cni": "affinity branchENICooldown enableNetworkPolicy enableWindowsIpam enableWindowsPrefixDelegation eniConfig env "
    "init livenessProbeTimeoutSeconds minimumWindowsIPTarget nodeAgent nodeSelector originalMatchLabels podAnnotations "
    "podLabels readinessProbeTimeoutSeconds resources tolerations warmWindowsIPTarget warmWindowsPrefixTarget",
    "kube-proxy": "ipvs mode podAnnotations podLabels resources tolerations",
    "coredns": "affinity autoScaling computeType corefile nodeSelector podAnnotations podDisruptionBudget podLabels "
    "replicaCount resources tolerations topologySpreadConstraints",
    "eks-pod-identity-agent": "affinity agent imagePullSecrets init nodeSelector podAnnotations podLabels priorityClassName "
    "resources tolerations updateStrategy",
    "aws-ebs-csi-driver": "additionalDaemonSets controller defaultStorageClass node nodeComponentOnly sidecars "
    "storageClasses",
    "metrics-server": "addonResizer affinity args nodeSelector podAnnotations podDisruptionBudget podLabels replicas "
    "resources tolerations topologySpreadConstraints updateStrategy",
}
KEYS: Mapping[str, frozenset[str]] = {name: frozenset(keys.split()) for name, keys in _SCHEMAS.items()}
"""Top-level keys of each add-on's configuration schema, which refuses others."""

_EVERYWHERE = [{"operator": "Exists"}]
_CRITICAL = [{"key": "CriticalAddonsOnly", "operator": "Exists"}]
_CONTROL_PLANE = [*_CRITICAL, {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]


def objects(name: str, version: str, values: Values) -> list[Object]:
    """The add-on's objects with the user's configuration. Raises KeyError for an add-on that the stand-in does not know."""
    made = _MAKERS[name](version, values)
    for obj in made:
        labels = obj["metadata"].setdefault("labels", {})
        obj["metadata"]["labels"] = labels | {OWNER: name, "app.kubernetes.io/managed-by": "EKS"}
    return made


def _vpc_cni(version: str, values: Values) -> list[Object]:
    small = {"requests": {"cpu": "25m"}}
    env = [{"name": key, "value": str(value)} for key, value in sorted((values.get("env") or {}).items())]
    plugin = _container("aws-node", "amazon-k8s-cni", version, values.get("resources") or small) | {"env": env}
    agent = _container("aws-eks-nodeagent", "amazon/aws-network-policy-agent", version, small)
    pod = {
        "hostNetwork": True,
        "priorityClassName": "system-node-critical",
        "serviceAccountName": "aws-node",
        "tolerations": values.get("tolerations") or _EVERYWHERE,
        "initContainers": [_container("aws-vpc-cni-init", "amazon-k8s-cni-init", version, small)],
        "containers": [plugin, agent],
    }
    return [_account("aws-node"), _workload("DaemonSet", "aws-node", {"k8s-app": "aws-node"}, pod)]


def _kube_proxy(version: str, values: Values) -> list[Object]:
    container = _container(
        "kube-proxy", "kube-proxy", version, values.get("resources") or {"requests": {"cpu": "100m"}}
    )
    pod = {
        "hostNetwork": True,
        "priorityClassName": "system-node-critical",
        "serviceAccountName": "kube-proxy",
        "tolerations": _EVERYWHERE,
        "containers": [container],
    }
    return [_account("kube-proxy"), _workload("DaemonSet", "kube-proxy", {"k8s-app": "kube-proxy"}, pod)]


def _coredns(version: str, values: Values) -> list[Object]:
    labels = {"k8s-app": "kube-dns", "eks.amazonaws.com/component": "coredns"}
    default = {"requests": {"cpu": "100m", "memory": "70Mi"}, "limits": {"memory": "170Mi"}}
    pod = {
        "priorityClassName": "system-cluster-critical",
        "serviceAccountName": "coredns",
        "tolerations": values.get("tolerations") or _CONTROL_PLANE,
        "nodeSelector": values.get("nodeSelector") or {},
        "affinity": values.get("affinity") or _apart(labels),
        "topologySpreadConstraints": values.get("topologySpreadConstraints") or _spread(labels),
        "containers": [_container("coredns", "coredns", version, values.get("resources") or default)],
    }
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "kube-dns", "namespace": NAMESPACE},
        "spec": {
            "selector": {"k8s-app": "kube-dns"},
            "ports": [{"name": "dns", "port": 53, "protocol": "UDP"}, {"name": "dns-tcp", "port": 53}],
        },
    }
    replicas = values.get("replicaCount", 2)
    return [
        _account("coredns"),
        _workload("Deployment", "coredns", labels, pod, replicas=replicas),
        service,
        _budget("coredns", {"k8s-app": "kube-dns"}),
    ]


def _pod_identity(version: str, values: Values) -> list[Object]:
    name = "eks-pod-identity-agent"
    pod = {
        "hostNetwork": True,
        "priorityClassName": "system-node-critical",
        "tolerations": values.get("tolerations") or _EVERYWHERE,
        "containers": [_container(name, name, version, values.get("resources") or {})],
    }
    return [_workload("DaemonSet", name, {"app.kubernetes.io/name": name}, pod)]


def _ebs(version: str, values: Values) -> list[Object]:
    controller, node = values.get("controller") or {}, values.get("node") or {}
    small = {"requests": {"cpu": "10m", "memory": "40Mi"}, "limits": {"memory": "256Mi"}}
    image = "aws-ebs-csi-driver"
    sidecars = ("csi-provisioner", "csi-attacher", "csi-resizer", "liveness-probe")
    labels = {"app": "ebs-csi-controller", "app.kubernetes.io/name": image}
    pod = {
        "priorityClassName": "system-cluster-critical",
        "serviceAccountName": "ebs-csi-controller-sa",
        "tolerations": controller.get("tolerations") or _CRITICAL,
        "nodeSelector": controller.get("nodeSelector") or {},
        "affinity": controller.get("affinity") or _apart(labels),
        "containers": [
            _container("ebs-plugin", image, version, controller.get("resources") or small),
            *(_container(each, each, version, small) for each in sidecars),
        ],
    }
    own = {"app": "ebs-csi-node", "app.kubernetes.io/name": image}
    on_nodes = {
        "priorityClassName": "system-node-critical",
        "serviceAccountName": "ebs-csi-node-sa",
        "tolerations": node.get("tolerations") or _EVERYWHERE,
        "containers": [
            _container("ebs-plugin", image, version, node.get("resources") or small),
            _container("node-driver-registrar", "csi-node-driver-registrar", version, small),
            _container("liveness-probe", "livenessprobe", version, small),
        ],
    }
    driver = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "CSIDriver",
        "metadata": {"name": DRIVER},
        "spec": {"attachRequired": True, "podInfoOnMount": False, "fsGroupPolicy": "ReadWriteOnceWithFSType"},
    }
    return [
        _account("ebs-csi-controller-sa"),
        _account("ebs-csi-node-sa"),
        driver,
        _workload("DaemonSet", "ebs-csi-node", own, on_nodes),
        _workload("Deployment", "ebs-csi-controller", labels, pod, replicas=controller.get("replicaCount", 2)),
        _budget("ebs-csi-controller", labels),
    ]


def _metrics_server(version: str, values: Values) -> list[Object]:
    labels = {"app.kubernetes.io/name": "metrics-server"}
    default = {"requests": {"cpu": "100m", "memory": "200Mi"}, "limits": {"memory": "400Mi"}}
    pod = {
        "priorityClassName": "system-cluster-critical",
        "serviceAccountName": "metrics-server",
        "tolerations": values.get("tolerations") or [],
        "nodeSelector": values.get("nodeSelector") or {},
        "affinity": values.get("affinity") or _apart(labels),
        "topologySpreadConstraints": values.get("topologySpreadConstraints") or _spread(labels),
        "containers": [_container("metrics-server", "metrics-server", version, values.get("resources") or default)],
    }
    return [
        _account("metrics-server"),
        _workload("Deployment", "metrics-server", labels, pod, replicas=values.get("replicas", 2)),
        _budget("metrics-server", labels),
    ]


_MAKERS: Mapping[str, Callable[[str, Values], list[Object]]] = {
    "vpc-cni": _vpc_cni,
    "kube-proxy": _kube_proxy,
    "coredns": _coredns,
    "eks-pod-identity-agent": _pod_identity,
    "aws-ebs-csi-driver": _ebs,
    "metrics-server": _metrics_server,
}
NAMES: Iterable[str] = tuple(_MAKERS)
"""The add-ons that the stand-in knows."""
ACCOUNTS: Mapping[str, str] = {"vpc-cni": "aws-node", "aws-ebs-csi-driver": "ebs-csi-controller-sa"}
"""The ServiceAccount that an add-on's `serviceAccountRoleArn` is for."""


def _account(name: str) -> Object:
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": NAMESPACE}}


def _container(name: str, image: str, version: str, resources: Mapping[str, Any]) -> Object:
    return {"name": name, "image": f"eks/{image}:{version}", "resources": dict(resources)}


def _workload(kind: str, name: str, labels: Mapping[str, str], pod: Object, *, replicas: int | None = None) -> Object:
    spec: Object = {
        "selector": {"matchLabels": dict(labels)},
        "template": {"metadata": {"labels": dict(labels)}, "spec": {key: value for key, value in pod.items() if value}},
    }
    if replicas is not None:
        spec["replicas"] = replicas
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name, "namespace": NAMESPACE}, "spec": spec}


def _budget(name: str, labels: Mapping[str, str]) -> Object:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": dict(labels)}},
    }


def _apart(labels: Mapping[str, str]) -> Object:
    term = {"labelSelector": {"matchLabels": dict(labels)}, "topologyKey": "kubernetes.io/hostname"}
    preferred = [{"weight": 100, "podAffinityTerm": term}]
    return {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}


def _spread(labels: Mapping[str, str]) -> list[Object]:
    return [
        {
            "maxSkew": 1,
            "topologyKey": "topology.kubernetes.io/zone",
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": dict(labels)},
        }
    ]
