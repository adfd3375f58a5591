"""The ALBs of the rehearsed account: what AWS refuses, and what it keeps.

Limits: Elastic Load Balancing user guide, "Application Load Balancers" (two subnets, each in another zone), ACM (only an
issued certificate of the same region), AWS WAF (web ACLs of scope regional).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ...aws import places
from ...aws.account import Account, Record
from ...aws.eks.tokens import CLUSTER, LOAD_BALANCER, SECURITY_GROUP, SUBNET
from .groups import BadModel, Wanted

LISTENER = "aws:lb/listener:Listener"
ASSOCIATION = "aws:wafv2/webAclAssociation:WebAclAssociation"
TARGET_GROUP = "aws:lb/targetGroup:TargetGroup"
_CERTIFICATE, _ACL, _BUCKET = "aws:acm/certificate:Certificate", "aws:wafv2/webAcl:WebAcl", "aws:s3/bucket:Bucket"
_OWNER = "elbv2.k8s.aws/cluster"
"""The tag by which the controller knows what it made."""


class Refused(Exception):
    """What AWS answers; the controller tries again later."""


@dataclass(frozen=True, kw_only=True)
class Balancers:
    """The load balancers of one cluster."""

    account: Account
    region: str
    cluster: str
    vpc_id: str | None = None

    def check(self, wanted: Wanted) -> str:
        """The VPC of the subnets. Raises BadModel for what the controller or AWS would refuse."""
        if self.account.get(CLUSTER, self.cluster) is None:
            raise BadModel(f"there is no EKS cluster {self.cluster} in the account (flag cluster-name)")
        vpc = self._network(wanted)
        for arn in wanted.certificates:
            self._certificate(arn)
        if any(protocol == "HTTPS" for _, protocol in wanted.ports) and not wanted.certificates:
            raise BadModel("no certificate found for a listener of protocol HTTPS")
        if wanted.waf_acl_arn:
            self._acl(wanted.waf_acl_arn)
        if wanted.attributes.get("access_logs.s3.enabled") == "true":
            bucket = wanted.attributes.get("access_logs.s3.bucket", "")
            if self.account.get(_BUCKET, bucket) is None:
                raise BadModel(f"InvalidConfigurationRequest: Access Denied for bucket: {bucket}")
        return vpc

    def find(self, name: str) -> Record | None:
        """The load balancer of that name."""
        return next(iter(self.account.find(LOAD_BALANCER, name=name)), None)

    def put(self, wanted: Wanted, vpc: str, *, group: str) -> Record:
        """Make it with its security groups and listeners, or bring it in line."""
        known = self.find(wanted.name)
        security = [self._security_group(f"{wanted.name}-frontend", vpc), self._shared(vpc)]
        arn = self._arn(f"loadbalancer/app/{wanted.name}/{_digest(wanted.name, 16)}")
        outputs = {
            "id": arn,
            "arn": arn,
            "name": wanted.name,
            "dnsName": self.host(wanted),
            "internal": wanted.scheme == "internal",
            "loadBalancerType": "application",
            "subnets": list(wanted.subnets),
            "securityGroups": security,
            "vpcId": vpc,
            "enableDeletionProtection": wanted.attributes.get("deletion_protection.enabled") == "true",
            "attributes": dict(wanted.attributes),
            "webAclArn": wanted.waf_acl_arn or "",
            "tags": {**wanted.tags, _OWNER: self.cluster, "ingress.k8s.aws/stack": group},
        }
        record = Record(token=LOAD_BALANCER, id=arn, region=self.region, outputs=outputs)
        if known is None or known.outputs != record.outputs:
            self.account.put(record)
        self._listen(wanted, record)
        self._guard(wanted, record)
        return record

    def target_group(self, name: str, vpc: str) -> str:
        """ARN of the target group of that name, made if it is not there."""
        arn = self._arn(f"targetgroup/{name}/{_digest(name, 16)}")
        if self.account.get(TARGET_GROUP, arn) is None:
            outputs = {"id": arn, "arn": arn, "name": name, "vpcId": vpc, "tags": {_OWNER: self.cluster}}
            self.account.put(Record(token=TARGET_GROUP, id=arn, region=self.region, outputs=outputs))
        return arn

    def delete(self, record: Record) -> None:
        """Take it away with all that was made for it. Raises Refused while it is protected."""
        if record.get("enableDeletionProtection"):
            raise Refused(
                f"OperationNotPermitted: Load balancer '{record['arn']}' cannot be deleted because deletion protection "
                "is enabled"
            )
        for listener in self.account.find(LISTENER, loadBalancerArn=record["arn"]):
            self.account.delete(LISTENER, listener.id)
        self.account.delete(ASSOCIATION, record["arn"])
        self.account.delete(LOAD_BALANCER, record.id)
        shared = self._security_group_id("k8s-traffic")
        others = [each for each in self.account.all(LOAD_BALANCER) if shared in (each.get("securityGroups") or ())]
        for group in record["securityGroups"]:
            if group != shared or not others:
                self.account.delete(SECURITY_GROUP, group)

    def delete_target_group(self, arn: str) -> None:
        """Take away a target group."""
        self.account.delete(TARGET_GROUP, arn)

    def host(self, wanted: Wanted) -> str:
        """Its DNS name."""
        number = int(_digest(f"{self.account.id} {wanted.name}", 12), 16) % 10**10
        inside = "internal-" if wanted.scheme == "internal" else ""
        return f"{inside}{wanted.name}-{number}.{self.region}.elb.{places.partition(self.region).dns_suffix}"

    # --- the parts

    def _network(self, wanted: Wanted) -> str:
        subnets = [self.account.get(SUBNET, each) for each in wanted.subnets]
        if missing := [each for each, found in zip(wanted.subnets, subnets, strict=True) if found is None]:
            raise BadModel(f"InvalidSubnetID.NotFound: The subnet ID '{missing[0]}' does not exist")
        there = [each for each in subnets if each is not None]
        zones = {each["availabilityZone"] for each in there}
        if len(zones) < 2:
            raise BadModel("subnets count less than minimal required count: 1 < 2: at least two zones are needed")
        if len(zones) < len(there):
            raise BadModel("multiple subnets in same Availability Zone: a load balancer takes one of each")
        vpcs = {each["vpcId"] for each in there}
        if len(vpcs) > 1 or (self.vpc_id and vpcs != {self.vpc_id}):
            raise BadModel(f"the subnets are in {', '.join(sorted(vpcs))}, the controller in {self.vpc_id}")
        return vpcs.pop()

    def _certificate(self, arn: str) -> None:
        found = next(iter(self.account.find(_CERTIFICATE, arn=arn)), None)
        if found is None or found.region not in ("", self.region):
            raise BadModel(f"CertificateNotFound: Certificate '{arn}' not found")
        if found.get("status") not in (None, "ISSUED"):
            text = "must have a fully-qualified domain name, a supported signature, and a supported key size."
            raise BadModel(f"UnsupportedCertificate: The certificate '{arn}' ({found['status']}) {text}")

    def _acl(self, arn: str) -> None:
        found = next(iter(self.account.find(_ACL, arn=arn)), None)
        if found is None or found.get("scope") not in (None, "REGIONAL"):
            text = "AWS WAF couldn't perform the operation because your resource doesn't exist."
            raise BadModel(f"WAFNonexistentItemException: {text} ({arn})")

    def _listen(self, wanted: Wanted, balancer: Record) -> None:
        kept = set()
        for port, protocol in wanted.ports:
            arn = balancer["arn"].replace(":loadbalancer/", ":listener/") + f"/{_digest(f'{wanted.name}{port}', 16)}"
            kept.add(arn)
            outputs: dict[str, Any] = {"id": arn, "arn": arn, "loadBalancerArn": balancer["arn"], "port": port}
            outputs |= {"protocol": protocol}
            if protocol == "HTTPS":
                outputs |= {"certificateArn": wanted.certificates[0], "sslPolicy": wanted.ssl_policy}
            self.account.put(Record(token=LISTENER, id=arn, region=self.region, outputs=outputs))
        for each in self.account.find(LISTENER, loadBalancerArn=balancer["arn"]):
            if each.id not in kept:
                self.account.delete(LISTENER, each.id)

    def _guard(self, wanted: Wanted, balancer: Record) -> None:
        arn = balancer["arn"]
        if wanted.waf_acl_arn is None:
            self.account.delete(ASSOCIATION, arn)
            return
        outputs = {"id": arn, "resourceArn": arn, "webAclArn": wanted.waf_acl_arn}
        self.account.put(Record(token=ASSOCIATION, id=arn, region=self.region, outputs=outputs))

    def _shared(self, vpc: str) -> str:
        return self._security_group("k8s-traffic", vpc)

    def _security_group_id(self, name: str) -> str:
        return f"sg-{_digest(f'{self.cluster} {name}', 17)}"

    def _security_group(self, name: str, vpc: str) -> str:
        group = self._security_group_id(name)
        if self.account.get(SECURITY_GROUP, group) is None:
            arn = self._arn(f"security-group/{group}", service="ec2")
            outputs: dict[str, Any] = {"id": group, "arn": arn, "name": f"{name}-{self.cluster}", "vpcId": vpc}
            outputs |= {"tags": {_OWNER: self.cluster}}
            self.account.put(Record(token=SECURITY_GROUP, id=group, region=self.region, outputs=outputs))
        return group

    def _arn(self, resource: str, *, service: str = "elasticloadbalancing") -> str:
        return f"arn:{places.partition(self.region).name}:{service}:{self.region}:{self.account.id}:{resource}"


def owned(account: Account, cluster: str) -> Iterator[Record]:
    """What the controller of a cluster made and has not taken away."""
    for each in account.all(LOAD_BALANCER, TARGET_GROUP, SECURITY_GROUP):
        if (each.get("tags") or {}).get(_OWNER) == cluster:
            yield each


def _digest(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]
