"""An AWS account on paper with a network and roles, and the EKS behaviours called as the provider stand-in calls them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rehearsal.aws.account import Account, Record
from rehearsal.aws.behaviour import Moment, behaviours
from rehearsal.aws.eks import behaviours as _registered  # noqa: F401  (registers them)
from rehearsal.aws.eks.tokens import ADDON, CLUSTER, NODE_GROUP, SUBNET
from rehearsal.providers.base import Call

ACCOUNT, REGION, NAME = "123456789012", "eu-central-1", "wandb"
ZONES = ("eu-central-1a", "eu-central-1b", "eu-central-1c")
ROLE, ATTACHMENT = "aws:iam/role:Role", "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
INLINE = "aws:iam/rolePolicy:RolePolicy"


@dataclass
class Aws:
    """The account, and what was said while its resources were made."""

    account: Account
    said: list[str] = field(default_factory=list)

    def furnish(self) -> None:
        """Three subnets in three zones, and the roles that a cluster needs."""
        self.account.call_it(ACCOUNT)
        for number, zone in enumerate(ZONES):
            outputs = {"id": f"subnet-{number}", "vpcId": "vpc-1", "availabilityZone": zone}
            self.put(SUBNET, f"subnet-{number}", outputs | {"cidrBlock": f"10.20.{number}.0/24"})
        self.role("cluster", "eks.amazonaws.com")
        self.role("node", "ec2.amazonaws.com", "AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly")
        self.role("cni", "pods.eks.amazonaws.com", "AmazonEKS_CNI_Policy")
        self.role("ebs", "pods.eks.amazonaws.com", "service-role/AmazonEBSCSIDriverPolicy")

    def put(self, token: str, resource_id: str, outputs: Mapping[str, Any], *, region: str = REGION) -> None:
        """What exists."""
        self.account.put(Record(token=token, id=resource_id, region=region, outputs=dict(outputs)))

    def role(self, name: str, service: str, *managed: str, actions: tuple[str, ...] = ()) -> str:
        """A role that a service may assume; its ARN."""
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": ["sts:AssumeRole", "sts:TagSession"],
        }
        trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.put(ROLE, name, {"name": name, "arn": arn(name), "assumeRolePolicy": trust}, region="")
        for policy in managed:
            where = {"role": name, "policyArn": f"arn:aws:iam::aws:policy/{policy}"}
            self.put(ATTACHMENT, f"{name}/{policy}", where, region="")
        if actions:
            document = {"Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]}
            self.put(INLINE, f"{name}:inline", {"role": name, "policy": json.dumps(document)}, region="")
        return arn(name)

    def problems(self, token: str, inputs: Mapping[str, Any]) -> list[str]:
        """What the checks say."""
        at = self._moment(token, inputs)
        return [problem for each in behaviours(token) for problem in each.check(at, inputs)]

    def create(self, token: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """As `pulumi up` creates. Raises Refused; the record stays where the resource exists and is not ready."""
        at = self._moment(token, inputs)
        kinds = behaviours(token)
        for each in kinds:
            each.admit(at, inputs)
        fallback = f"{inputs.get('clusterName')}:{inputs.get('nodeGroupName')}"
        resource_id = next((found for each in kinds if (found := each.identify(at, inputs))), fallback)
        outputs = dict(inputs)
        for each in kinds:
            outputs |= each.outputs(at, resource_id, outputs)
        self.put(token, resource_id, outputs)
        for each in kinds:
            outputs |= each.created(self._moment(token, inputs, resource_id=resource_id), outputs)
        self.put(token, resource_id, outputs)
        return outputs

    def update(self, token: str, resource_id: str, **changed: Any) -> dict[str, Any]:
        """As `pulumi up` changes in place. Raises Refused."""
        old = dict(self._found(token, resource_id).outputs)
        new = {**old, **changed}
        at = self._moment(token, new, old=old, resource_id=resource_id)
        for each in behaviours(token):
            each.admit_update(at, old, new)
        for each in behaviours(token):
            new |= each.updated(at, new)
        self.put(token, resource_id, new)
        return new

    def delete(self, token: str, resource_id: str) -> None:
        """As `pulumi destroy`. Raises Refused."""
        old = dict(self._found(token, resource_id).outputs)
        at = self._moment(token, {}, old=old, resource_id=resource_id)
        for each in behaviours(token):
            each.admit_delete(at, old)
        for each in behaviours(token):
            each.deleted(at, old)
        self.account.delete(token, resource_id)

    # --- what a cluster is made of

    def cluster(self, **changed: Any) -> dict[str, Any]:
        """The cluster."""
        network = {"subnetIds": [f"subnet-{number}" for number in range(3)]}
        inputs = {"name": NAME, "roleArn": arn("cluster"), "version": "1.35", "vpcConfig": network}
        return self.create(CLUSTER, inputs | {"bootstrapSelfManagedAddons": False} | changed)

    def addon(self, name: str, role: tuple[str, str] | None = None, **changed: Any) -> dict[str, Any]:
        """An add-on, with (ServiceAccount, role) where it has one."""
        version = "v1.35.3-eksbuild.1" if name == "kube-proxy" else "v1.2.3-eksbuild.1"
        inputs: dict[str, Any] = {"clusterName": NAME, "addonName": name, "addonVersion": version}
        if role:
            inputs["podIdentityAssociations"] = [{"serviceAccount": role[0], "roleArn": arn(role[1])}]
        return self.create(ADDON, inputs | changed)

    def nodes(self, name: str, zone: int, count: int = 1, **changed: Any) -> dict[str, Any]:
        """A node group in one zone."""
        inputs = {
            "clusterName": NAME,
            "nodeGroupName": name,
            "nodeRoleArn": arn("node"),
            "subnetIds": [f"subnet-{zone}"],
            "instanceTypes": ["m6i.2xlarge"],
            "scalingConfig": {"minSize": 1, "desiredSize": count, "maxSize": count + 2},
            "labels": {"wandb.pulumi/pool": name.rpartition("-")[0]},
        }
        return self.create(NODE_GROUP, inputs | changed)

    def _found(self, token: str, resource_id: str) -> Record:
        found = self.account.get(token, resource_id)
        if found is None:
            raise LookupError(f"no {token} {resource_id}")
        return found

    def _moment(
        self, token: str, inputs: Mapping[str, Any], *, old: Mapping[str, Any] | None = None, resource_id: str = ""
    ) -> Moment:
        def say(message: str, *, fleeting: bool = True, warning: bool = False) -> None:
            if message:
                self.said.append(message)

        before = dict(old or {})
        call = Call(
            urn=f"urn:pulumi:prod::wandb::{token}::it",
            inputs=dict(inputs),
            old=before,
            old_inputs=before,
            resource_id=resource_id,
        )
        return Moment(
            account=self.account,
            account_id=ACCOUNT,
            region=REGION,
            partition="aws",
            dns_suffix="amazonaws.com",
            call=call,
            say=say,
            wait=lambda _: None,
        )


def arn(role: str) -> str:
    """ARN of a role of the account."""
    return f"arn:aws:iam::{ACCOUNT}:role/{role}"
