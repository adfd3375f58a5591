"""The custom resources of AWS Load Balancer Controller, in short. Source: its definitions in version 3.5.0."""

from __future__ import annotations

from ... import crds

GROUP = "elbv2.k8s.aws"

_PAIR = {"key": "string", "value": "string"}
_SELECTOR = {"matchExpressions": "any list", "matchLabels": "any"}
_PARAMETERS = {
    "certificateArn": ["string"],
    "group": {"name": "string"},
    "inboundCIDRs": ["string"],
    "ipAddressType": "string",
    "ipamConfiguration": {"ipv4IPAMPoolId": "string"},
    "listeners": "any list",
    "loadBalancerAttributes": [_PAIR],
    "loadBalancerName": "string",
    "minimumLoadBalancerCapacity": {"capacityUnits": "integer"},
    "namespaceSelector": _SELECTOR,
    "prefixListsIDs": ["string"],
    "scheme": "scheme",
    "sslPolicy": "string",
    "sslRedirectPort": "string",
    "subnets": {"ids": ["string"], "tags": "any"},
    "tags": [_PAIR],
    "targetType": "target type",
    "wafv2AclArn": "string",
    "wafv2AclName": "string",
}
_BINDING = {
    "ipAddressType": "string",
    "networking": "any",
    "nodeSelector": _SELECTOR,
    "serviceRef": "any",
    "targetGroupARN": "string",
    "targetGroupName": "string",
    "targetType": "target type",
    "vpcID": "string",
}
DEFINITIONS = (
    crds.Definition(
        kind="IngressClassParams",
        plural="ingressclassparams",
        group=GROUP,
        version="v1beta1",
        scope="Cluster",
        spec=_PARAMETERS,
        status=None,
        spec_required=False,
    ),
    crds.Definition(
        kind="TargetGroupBinding",
        plural="targetgroupbindings",
        group=GROUP,
        version="v1beta1",
        spec=_BINDING,
        status={"observedGeneration": "integer"},
    ),
)
