"""The AWS Load Balancer Controller, which turns Ingresses into Application Load Balancers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_kubernetes.helm.v3 import Release

from .. import contracts
from ..later import lift
from . import policies, values
from .account import Account
from .identity import ControllerRole, ControllerRoleArgs

CHART = "aws-load-balancer-controller"
REPOSITORY = "https://aws.github.io/eks-charts"
VERSION = "3.5.0"
"""Of the chart, and `v3.5.0` of the controller. Source: eks-charts, 2026-08-03."""
NAMESPACE = "kube-system"
"""Where AWS' documentation has it: a namespace that every cluster has, and no stack owns."""
NAME = CHART
"""Of release, Deployment and ServiceAccount."""
INSTALL_SECONDS = 600
RESOURCES = contracts.Resources(cpu_request="100m", memory_request="200Mi", memory_limit="500Mi")
"""The chart names none. Requests as in AWS' own add-on manifests, the limit as much again for a busy cluster."""


@dataclass(frozen=True, kw_only=True)
class LoadBalancerControllerArgs:
    """The controller, in a cluster whose network is known. Where there is EKS Pod Identity, the cluster has its agent."""

    account: Account
    cluster: contracts.Cluster
    eks: values.EKS
    """The controller's rights end at what carries its name as a tag."""
    network: values.Network
    chart_version: str = VERSION
    repository: str | None = REPOSITORY
    """None: `chart` is a reference of its own, such as `oci://registry.example.com/charts/...`."""
    chart: str = CHART
    image: str | None = None
    """`repository:tag`; None: the chart's own, of AWS' public registry."""


def chart_values(
    args: LoadBalancerControllerArgs, annotations: Mapping[str, pulumi.Input[str]] | None = None
) -> dict[str, Any]:
    """The values of the chart. Source: values.yaml of chart 3.5.0. Raises ValueError for an image without a tag.

    `annotations` are those of the ServiceAccount.
    """
    service_account: dict[str, Any] = {"create": True, "name": NAME}
    if annotations:
        service_account["annotations"] = dict(annotations)
    tree: dict[str, Any] = {
        "clusterName": args.eks.name,
        # both given: pods cannot ask the instance metadata service, whose hop limit ends at the node
        "region": args.account.region,
        "vpcId": args.network.vpc_id,
        "serviceAccount": service_account,
        "replicaCount": 2,
        "podDisruptionBudget": {"maxUnavailable": 1},
        "resources": RESOURCES.manifest(),
        # pods have addresses of the VPC, and W&B's Services have no node port
        "defaultTargetType": "ip",
        # the class is the platform's own, with its settings
        "createIngressClassResource": False,
        "ingressClassParams": {"create": False},
        # a group is joined by the class alone: by annotation anybody in the cluster could join W&B's load balancer
        "disableIngressGroupNameAnnotation": True,
        # else no Service of any kind could be made in the cluster while the controller is away
        "enableServiceMutatorWebhook": False,
        # the chart makes a certificate for its webhooks at every upgrade; running pods would still have the old one
        "keepTLSSecret": True,
        # classic WAF and Shield Advanced: used by nothing here, and not to be had in China
        "enableShield": False,
        "enableWaf": False,
    }
    if args.image is not None:
        repository, colon, tag = args.image.rpartition(":")
        if not colon or "/" in tag:
            raise ValueError(f"image: {args.image!r} has no tag; the chart needs repository:tag")
        tree["image"] = {"repository": repository, "tag": tag}
    return tree


def _policy(account: Account, cluster: str) -> str:
    policy = policies.load_balancer_controller(
        partition=account.partition, region=account.region, account_id=account.id, cluster=cluster
    )
    return json.dumps(policy)


class LoadBalancerController(pulumi.ComponentResource):
    """The controller with a role of its own.

    Every Ingress that it serves must depend on `release`: without the controller, none of them finishes deleting, and
    its load balancer stays and holds on to the network.
    """

    release: Release

    def __init__(self, name: str, args: LoadBalancerControllerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("wandb:aws:LoadBalancerController", name, {}, opts)
        account = args.account
        role = ControllerRole(
            f"{name}-role",
            ControllerRoleArgs(
                account=account,
                eks=args.eks,
                namespace=NAMESPACE,
                service_account=NAME,
                policies={"load-balancers": lift(lambda cluster: _policy(account, cluster), args.eks.name)},
            ),
            pulumi.ResourceOptions(parent=self),
        )
        self.release = Release(
            f"{name}-release",
            name=NAME,
            namespace=NAMESPACE,
            chart=args.chart,
            version=args.chart_version,
            repository_opts={"repo": args.repository} if args.repository else None,
            values=chart_values(args, role.annotations),
            # a failed installation leaves nothing behind, a failed upgrade goes back
            atomic=True,
            timeout=INSTALL_SECONDS,
            opts=pulumi.ResourceOptions(
                parent=self,
                provider=args.cluster.provider,
                # nodes to run on, and a role before the first pod starts: it looks for one only then
                depends_on=[*args.cluster.ready, *role.ready],
            ),
        )
        self.register_outputs({})
