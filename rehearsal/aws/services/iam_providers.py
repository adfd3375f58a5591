"""OIDC providers, instance profiles and service-linked roles."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from rehearsal.providers.values import UNKNOWN, Properties

from ..behaviour import Behaviour, Moment, api_error, register
from .identities import letters
from .limits import matching

OIDC_PROVIDER = "aws:iam/openIdConnectProvider:OpenIdConnectProvider"


@register(OIDC_PROVIDER)
class OidcProvider(Behaviour):
    """Trust in an issuer of tokens."""

    def check(self, at: Moment, inputs: Mapping[str, Any]) -> Iterable[str]:
        """Source: IAM API, CreateOpenIDConnectProvider."""
        yield from matching(
            inputs, "url", r"https://\S{1,247}", "a URL that begins with https://, at most 255 characters"
        )
        for each in inputs.get("thumbprintLists") or ():
            if isinstance(each, str) and each != UNKNOWN and not re.fullmatch(r"[0-9A-Fa-f]{40}", each):
                yield f"thumbprintLists: {each!r} is no SHA-1 of 40 hexadecimal digits"

    def identify(self, at: Moment, inputs: Mapping[str, Any]) -> str | None:
        """The ARN, which holds the URL."""
        return at.arn("iam", f"oidc-provider/{inputs['url'].removeprefix('https://')}", region="")

    def outputs(self, at: Moment, resource_id: str, outputs: Properties) -> Properties:
        """IAM keeps the URL without its scheme; the provider shows it as it is given."""
        return {"arn": resource_id, "thumbprintLists": outputs.get("thumbprintLists") or ["0" * 40]}


@register("aws:iam/instanceProfile:InstanceProfile")
class InstanceProfile(Behaviour):
    """A role for machines."""

    def outputs(self, at: Moment, resource_id: str, outputs: Properties) -> Properties:
        """Unique id."""
        fresh = {"uniqueId": f"AIPA{letters(at, 17)}", "createDate": "2026-01-01T00:00:00Z", "path": "/"}
        return {key: outputs.get(key) or value for key, value in fresh.items()}


@register("aws:iam/serviceLinkedRole:ServiceLinkedRole")
class ServiceLinkedRole(Behaviour):
    """A role that a service makes for itself; only one for each service and suffix."""

    def identify(self, at: Moment, inputs: Mapping[str, Any]) -> str | None:
        """The ARN."""
        service = inputs["awsServiceName"]
        name = _SERVICE_ROLES.get(service, "".join(part.capitalize() for part in service.split(".")[0].split("-")))
        suffix = f"_{inputs['customSuffix']}" if inputs.get("customSuffix") else ""
        return at.arn("iam", f"role/aws-service-role/{service}/AWSServiceRoleFor{name}{suffix}", region="")

    def admit(self, at: Moment, inputs: Mapping[str, Any]) -> None:
        """The account may have it already."""
        arn = self.identify(at, inputs)
        if at.account.find(at.token, arn=arn):
            name = str(arn).rpartition("/")[2]
            message = f"Service role name {name} has been taken in this account, please try a different suffix."
            raise api_error("IAM", "CreateServiceLinkedRole", "InvalidInput", message)

    def outputs(self, at: Moment, resource_id: str, outputs: Properties) -> Properties:
        """As of a role."""
        path, _, name = resource_id.partition("role/")[2].rpartition("/")
        fresh = {"uniqueId": f"AROA{letters(at, 17)}", "createDate": "2026-01-01T00:00:00Z"}
        return {"arn": resource_id, "name": name, "path": f"/{path}/"} | {
            k: outputs.get(k) or v for k, v in fresh.items()
        }


_SERVICE_ROLES = {
    "autoscaling.amazonaws.com": "AutoScaling",
    "eks.amazonaws.com": "AmazonEKS",
    "eks-nodegroup.amazonaws.com": "AmazonEKSNodegroup",
    "elasticache.amazonaws.com": "ElastiCache",
    "elasticloadbalancing.amazonaws.com": "ElasticLoadBalancing",
    "rds.amazonaws.com": "RDS",
    "spot.amazonaws.com": "EC2Spot",
}
"""Service to the end of its role's name. Source: the services' user guides, "Using service-linked roles"."""
