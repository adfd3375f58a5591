"""The command lines of the control plane: which daemon runs with which flags, and why where it is not obvious.

Flags: Kubernetes' reference pages "kube-apiserver", "kube-controller-manager" and "kube-scheduler" (v1.35), etcd's
"Configuration options" (v3.6), kwok's "kwok" (v0.8).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..state import PROJECT, State
from .certificates import Credentials
from .ports import LOOPBACK
from .processes import Daemon, python

PORTS = ("apiserver", "etcd", "etcd-peer")

SERVICE_RANGE = "10.96.0.0/16"
KUBERNETES_SERVICE = "10.96.0.1"
POD_RANGE = "10.244.0.0/16"

SERVICE_ACCOUNT_ISSUER = "https://kubernetes.default.svc.cluster.local"

# Where the `kubernetes` Service says that the API server is. Endpoints may not be loopback addresses, so it is one from
# the range for documentation (RFC 5737): nothing listens there, and pods that are simulated never ask.
ADVERTISED = "192.0.2.1"


@dataclass(frozen=True, kw_only=True)
class Blueprint:
    """What every command line is made from."""

    state: State
    binaries: Mapping[str, Path]
    credentials: Credentials
    ports: Mapping[str, int]
    issuer: str = SERVICE_ACCOUNT_ISSUER

    def binary(self, name: str) -> str:
        """Path of an executable. Raises KeyError when it is not among the binaries."""
        return str(self.binaries[name])

    def kubeconfig(self, user: str) -> Path:
        """The kubeconfig of one of the control plane's own users."""
        return self.state.cluster / f"{user.removeprefix('system:')}.kubeconfig"


def etcd(plan: Blueprint) -> Daemon:
    """Keeps the cluster's objects. Without fsync: a crash of the machine may lose a rehearsal, a killed process not."""
    credentials = plan.credentials
    client, peer = (f"https://{LOOPBACK}:{plan.ports[name]}" for name in ("etcd", "etcd-peer"))
    trust = [
        f"--{side}{flag}"
        for side in ("", "peer-")
        for flag in (
            "client-cert-auth",
            f"trusted-ca-file={credentials.authority}",
            f"cert-file={credentials.certificate('etcd')}",
            f"key-file={credentials.key('etcd')}",
        )
    ]
    command = [
        plan.binary("etcd"),
        "--name=rehearsal",
        f"--data-dir={plan.state.cluster / 'etcd'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=rehearsal={peer}",
        *trust,
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]
    return Daemon(role="etcd", command=command)


def apiserver(plan: Blueprint) -> Daemon:
    """Kubernetes' API, with its default admission and RBAC, on the loopback interface."""
    credentials = plan.credentials
    command = [
        plan.binary("kube-apiserver"),
        f"--bind-address={LOOPBACK}",
        f"--secure-port={plan.ports['apiserver']}",
        f"--advertise-address={ADVERTISED}",
        f"--tls-cert-file={credentials.certificate('apiserver')}",
        f"--tls-private-key-file={credentials.key('apiserver')}",
        f"--token-auth-file={credentials.tokens}",
        f"--etcd-servers=https://{LOOPBACK}:{plan.ports['etcd']}",
        f"--etcd-cafile={credentials.authority}",
        f"--etcd-certfile={credentials.certificate('etcd')}",
        f"--etcd-keyfile={credentials.key('etcd')}",
        f"--service-account-issuer={plan.issuer}",
        f"--service-account-key-file={credentials.folder / 'service-accounts.pub'}",
        f"--service-account-signing-key-file={credentials.key('service-accounts')}",
        f"--service-cluster-ip-range={SERVICE_RANGE}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true",
        "--profiling=false",
    ]
    return Daemon(role="kube-apiserver", command=command)


def controller_manager(plan: Blueprint) -> Daemon:
    """Kubernetes' own controllers. One of a kind, so it elects no leader; serves no port."""
    kubeconfig = plan.kubeconfig("system:kube-controller-manager")
    command = [
        plan.binary("kube-controller-manager"),
        f"--kubeconfig={kubeconfig}",
        f"--root-ca-file={plan.credentials.authority}",
        f"--service-account-private-key-file={plan.credentials.key('service-accounts')}",
        f"--service-cluster-ip-range={SERVICE_RANGE}",
        "--use-service-account-credentials=true",
        "--leader-elect=false",
        "--secure-port=0",
        "--profiling=false",
        # It makes this folder if it is not there, and the default one lies outside the rehearsal.
        f"--flex-volume-plugin-dir={plan.state.cluster / 'flexvolume'}",
        # A machine that slept is no failed node: without this its pods would be evicted at the next look.
        "--node-monitor-grace-period=10m",
        "--kube-api-qps=200",
        "--kube-api-burst=400",
    ]
    return Daemon(role="kube-controller-manager", command=command)


def scheduler(plan: Blueprint) -> Daemon:
    """Kubernetes' scheduler with its default profile."""
    command = [
        plan.binary("kube-scheduler"),
        f"--kubeconfig={plan.kubeconfig('system:kube-scheduler')}",
        "--leader-elect=false",
        "--secure-port=0",
        "--profiling=false",
        "--kube-api-qps=200",
        "--kube-api-burst=400",
    ]
    return Daemon(role="kube-scheduler", command=command)


def kwok(plan: Blueprint, stages: Path) -> Daemon:
    """Plays the nodes by the stages in the given file; what runs on them is the kubelet's business."""
    command = [
        plan.binary("kwok"),
        f"--kubeconfig={plan.kubeconfig('kwok')}",
        f"--config={stages}",
        "--manage-all-nodes=true",
        f"--cidr={POD_RANGE}",
        f"--node-ip={ADVERTISED}",
        "--node-lease-duration-seconds=40",
    ]
    return Daemon(role="kwok", command=command)


def kubelet(state: State) -> Daemon:
    """What kwok cannot play: Secrets that pods need, Jobs that end, volumes, and the operators' processes."""
    command = python("rehearsal.kubelet", "--state", str(state.folder))
    environment = {"KUBECONFIG": str(state.kubeconfig), "PYTHONUNBUFFERED": "1"}
    return Daemon(role="kubelet", command=command, environment=environment, folder=PROJECT)
