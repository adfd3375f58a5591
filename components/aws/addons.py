"""EKS add-ons: what AWS runs in every cluster, in versions that are pinned here."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_aws as aws

from . import offered, policies, values
from .account import Account
from .identity import ControllerRole, ControllerRoleArgs, way

if TYPE_CHECKING:
    from pulumi_aws.eks import AddonPodIdentityAssociationArgsDict

_SHARED = {
    "vpc-cni": "v1.22.4-eksbuild.3",
    "eks-pod-identity-agent": "v1.3.10-eksbuild.3",
    "aws-ebs-csi-driver": "v1.66.0-eksbuild.1",
    "metrics-server": "v0.9.0-eksbuild.11",
}
VERSIONS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "1.34": {"kube-proxy": "v1.34.6-eksbuild.13", "coredns": "v1.13.2-eksbuild.11", **_SHARED},
        "1.35": {"kube-proxy": "v1.35.3-eksbuild.13", "coredns": "v1.14.3-eksbuild.3", **_SHARED},
        "1.36": {"kube-proxy": "v1.36.0-eksbuild.14", "coredns": "v1.14.3-eksbuild.3", **_SHARED},
    }
)
"""Version of each add-on by Kubernetes minor.

kube-proxy and CoreDNS: Amazon EKS User Guide, "Manage kube-proxy in Amazon EKS clusters" and "Manage CoreDNS for DNS in
Amazon EKS clusters", tables of versions up to 1.36. VPC CNI: a public table of 2026-08-20 that cites the guide's page on it;
that page itself was not seen with these minors. The other three are in no page of AWS': they are what public projects ran
on these minors in September 2026, EBS driver and metrics-server on 1.34 to 1.36. Newer builds exist. What a region has says
`aws eks describe-addon-versions --kubernetes-version 1.35 --addon-name NAME`, China's among them, whose guide lags behind."""

_FIRST = ("vpc-cni", "kube-proxy", "eks-pod-identity-agent")
_AFTER_NODES = ("coredns", "aws-ebs-csi-driver", "metrics-server")
SERVICE_ACCOUNTS: Mapping[str, str] = {"vpc-cni": "aws-node", "aws-ebs-csi-driver": "ebs-csi-controller-sa"}
"""In kube-system, of the add-ons that need a role. Source: Amazon EKS User Guide, IAM roles for Amazon EKS add-ons."""


def first(partition: str) -> tuple[str, ...]:
    """Daemons without which no node gets ready, or no pod on it its role: there before the first node."""
    return tuple(each for each in _FIRST if _installed(each, partition))


def after_nodes(partition: str) -> tuple[str, ...]:
    """Deployments: they are up only once there are nodes to run on."""
    return tuple(each for each in _AFTER_NODES if _installed(each, partition))


def _installed(add_on: str, partition: str) -> bool:
    if add_on == "eks-pod-identity-agent":
        return way(partition) == "pod-identity"
    return add_on != "metrics-server" or offered.metrics_server(partition)


def versions(minor: str, overrides: Mapping[str, str] | None = None, *, partition: str = "aws") -> dict[str, str]:
    """The version of each add-on of that partition for that Kubernetes minor, `overrides` first.

    Raises `ValueError` for an add-on that is not installed here, and for a minor without versions unless all are given.
    """
    given = dict(overrides or {})
    names = (*first(partition), *after_nodes(partition))
    unknown = sorted(given.keys() - set(names))
    if unknown:
        raise ValueError(
            f"addon_versions: {', '.join(unknown)} not among those installed, which are {', '.join(names)}"
        )
    found = {**VERSIONS.get(minor, {}), **given}
    missing = [name for name in names if name not in found]
    if missing:
        raise ValueError(
            f"version: no add-ons are pinned for Kubernetes {minor}, only for {', '.join(VERSIONS)}; "
            f"give addon_versions for {', '.join(missing)}, as `aws eks describe-addon-versions` lists them"
        )
    return {name: found[name] for name in names}


@dataclass(frozen=True, kw_only=True)
class AddOnsArgs:
    """The add-ons of one cluster."""

    account: Account
    eks: values.EKS
    """`name` is known once the control plane runs; `arn` is plain text."""
    versions: Mapping[str, str]
    """By add-on, for the account's partition; see `versions`."""
    key_arn: pulumi.Input[str]
    """The key of the volumes that the EBS driver makes."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """On the volumes that the EBS driver makes, which the provider's default tags do not reach."""


class AddOns(pulumi.ComponentResource):
    """The add-ons in two parts: `first`, which nodes need, and those that need nodes, by `after_nodes`.

    Network plug-in and EBS driver have roles of their own: by Pod Identity, made while the control plane is, or by IRSA.
    """

    first: list[pulumi.Resource]

    def __init__(self, name: str, args: AddOnsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("wandb:aws:AddOns", name, {}, opts)
        self._name, self._args = name, args
        account = args.account
        key = policies.text(
            lambda arn: policies.volume_key(key_arn=arn, region=account.region, dns_suffix=account.dns_suffix),
            args.key_arn,
        )
        self._roles = {
            "vpc-cni": self._role("vpc-cni", "AmazonEKS_CNI_Policy"),
            "aws-ebs-csi-driver": self._role(
                "aws-ebs-csi-driver", "service-role/AmazonEBSCSIDriverPolicy", {"key": key}
            ),
        }
        self.first = [self._add_on(each) for each in first(account.partition)]
        self.register_outputs({})

    def after_nodes(self, nodes: Sequence[pulumi.Resource]) -> list[pulumi.Resource]:
        """The add-ons that run on `nodes`; up when their pods are."""
        return [self._add_on(each, nodes) for each in after_nodes(self._args.account.partition)]

    def _role(
        self, add_on: str, managed: str, granted: Mapping[str, pulumi.Input[str]] | None = None
    ) -> ControllerRole:
        return ControllerRole(
            f"{self._name}-{add_on}-role",
            ControllerRoleArgs(
                account=self._args.account,
                eks=self._args.eks,
                namespace="kube-system",
                service_account=SERVICE_ACCOUNTS[add_on],
                managed_policies=[managed],
                policies=granted or {},
                associate=False,
            ),
            pulumi.ResourceOptions(parent=self),
        )

    def _add_on(self, add_on: str, needs: Sequence[pulumi.Resource] = ()) -> aws.eks.Addon:
        configured = configuration(add_on, self._args.tags)
        return aws.eks.Addon(
            f"{self._name}-{add_on}",
            cluster_name=self._args.eks.name,
            addon_name=add_on,
            addon_version=self._args.versions[add_on],
            configuration_values=json.dumps(configured, sort_keys=True) if configured else None,
            pod_identity_associations=self._associations(add_on),
            service_account_role_arn=self._annotation(add_on),
            # what an attempt that was cut off left behind is taken over
            resolve_conflicts_on_create="OVERWRITE",
            # all that is set is set here; PRESERVE would keep what someone once tried by hand, and say nothing
            resolve_conflicts_on_update="OVERWRITE",
            opts=pulumi.ResourceOptions(parent=self, provider=self._args.account.provider, depends_on=list(needs)),
        )

    def _associations(self, add_on: str) -> list[AddonPodIdentityAssociationArgsDict] | None:
        if add_on not in self._roles or way(self._args.account.partition) != "pod-identity":
            return None
        return [{"service_account": SERVICE_ACCOUNTS[add_on], "role_arn": self._roles[add_on].role_arn}]

    def _annotation(self, add_on: str) -> pulumi.Output[str] | None:
        """The role that EKS writes on the add-on's ServiceAccount."""
        if add_on not in self._roles or way(self._args.account.partition) != "irsa":
            return None
        return self._roles[add_on].role_arn


def configuration(add_on: str, tags: Mapping[str, str]) -> dict[str, Any]:
    """What an add-on is told beside its defaults. Source: `aws eks describe-addon-configuration`."""
    if add_on == "vpc-cni":
        # else NetworkPolicies are accepted and do nothing
        return {"enableNetworkPolicy": "true"}
    if add_on == "aws-ebs-csi-driver" and tags:
        return {"controller": {"extraVolumeTags": dict(tags)}}
    return {}
