"""Who asks, where, and what the account may have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rehearsal.providers.base import Refused
from rehearsal.providers.values import Properties

from .. import places
from ..behaviour import Moment
from ..eks.grants import CALLER_ROLE
from ..quotas import quota
from ..services.iam_providers import OIDC_PROVIDER
from ..services.lb import HOSTED_ZONES
from . import answers
from .found import one, shown


@answers("index/getCallerIdentity")
def caller_identity(at: Moment, arguments: Mapping[str, Any]) -> Properties:
    """A session of a role, as in most teams."""
    arn = at.arn("sts", f"assumed-role/{CALLER_ROLE}/pulumi", region="")
    return {"accountId": at.account_id, "arn": arn, "userId": "AROAEXAMPLEDEPLOYROLE:pulumi", "id": at.account_id}


@answers("iam/getSessionContext")
def session_context(at: Moment, arguments: Mapping[str, Any]) -> Properties:
    """The role behind a session; anything else is its own issuer."""
    arn = arguments["arn"]
    head, _, rest = arn.partition(":assumed-role/")
    if not rest:
        return {"arn": arn, "id": arn, "issuerArn": arn, "issuerId": "", "issuerName": "", "sessionName": ""}
    role, _, session = rest.partition("/")
    issuer = f"{head.replace(':sts:', ':iam:')}:role/{role}"
    return {
        "arn": arn,
        "id": arn,
        "issuerArn": issuer,
        "issuerId": "AROAEXAMPLEDEPLOYROLE",
        "issuerName": role,
        "sessionName": session,
    }


@answers("iam/getRole")
def role(at: Moment, arguments: Mapping[str, Any]) -> Properties:
    """A role by name."""
    found = at.account.find("aws:iam/role:Role", name=arguments["name"])
    return shown(one(at, "IAM Role", arguments["name"], found))


@answers("iam/getOpenIdConnectProvider")
def oidc_provider(at: Moment, arguments: Mapping[str, Any]) -> Properties:
    """A provider by ARN or URL, with or without the scheme."""
    wanted = str(arguments.get("url") or "").removeprefix("https://")
    arn = arguments.get("arn") or at.arn("iam", f"oidc-provider/{wanted}", region="")
    return shown(one(at, "IAM OIDC Provider", arn, at.account.find(OIDC_PROVIDER, arn=arn)))


@answers("index/getPartition")
def partition(at: Moment, arguments: Mapping[str, Any]) -> Properties:
    """The partition of the region."""
    reverse = ".".join(reversed(at.dns_suffix.split(".")))
    return {"partition": at.partition, "dnsSuffix": at.dns_suffix, "reverseDnsPrefix": reverse, "id": at.partition}


@answers("index/getRegion")
def region(at: Moment, arguments: Mapping[str, Any]) -> Properties:
    """The provider's region, or the named one."""
    name = arguments.get("region") or arguments.get("name") or at.region
    endpoint = f"ec2.{name}.{at.dns_suffix}"
    return {"region": name, "name": name, "id": name, "description": name, "endpoint": endpoint}


@answers("index/getAvailabilityZones")
def availability_zones(at: Moment, arguments: Mapping[str, Any]) -> Properties:
    """Zones; local and wavelength zones are none of the account's."""
    names = [each for each in places.zones(at.region) if each not in (arguments.get("excludeNames") or ())]
    excluded = set(arguments.get("excludeZoneIds") or ())
    names = [each for each in names if places.zone_id(each) not in excluded]
    for each in arguments.get("filters") or ():
        names = [name for name in names if _zone_fits(at, name, each["name"], each["values"])]
    ids = [places.zone_id(each) for each in names]
    return {
        "names": names,
        "zoneIds": ids,
        "groupNames": [at.region],
        "id": at.region,
        "region": at.region,
        **arguments,
    }


def _zone_fits(at: Moment, zone: str, name: str, values: list[str]) -> bool:
    facts = {
        "zone-type": "availability-zone",
        "zone-name": zone,
        "zone-id": places.zone_id(zone),
        "region-name": at.region,
        "group-name": at.region,
        "opt-in-status": "opt-in-not-required",
        "state": "available",
    }
    if name not in facts:
        raise Refused(f"the rehearsal's stand-in for the aws provider does not know the filter {name}")
    return facts[name] in values


@answers("servicequotas/getServiceQuota")
def service_quota(at: Moment, arguments: Mapping[str, Any]) -> Properties:
    """What the account may have."""
    service, code = arguments["serviceCode"], arguments.get("quotaCode") or ""
    known = quota(at, service, code)
    if known is None:
        raise Refused(
            f"the rehearsal's stand-in for the aws provider does not know the quota {service}/{code}; add it to "
            "rehearsal/aws/quotas.py"
        )
    return {
        "arn": at.arn("servicequotas", f"{service}/{code}"),
        "adjustable": True,
        "globalQuota": False,
        "defaultValue": known.default,
        "value": known.value,
        "quotaCode": code,
        "quotaName": known.name,
        "serviceCode": service,
        "serviceName": known.service_name,
        "usageMetrics": [],
        "id": f"{service}/{code}",
    }


@answers("lb/getHostedZoneId")
def hosted_zone_id(at: Moment, arguments: Mapping[str, Any]) -> Properties:
    """The zone of Application Load Balancers' names."""
    kind, region = arguments.get("loadBalancerType") or "application", arguments.get("region") or at.region
    if kind != "application":
        raise Refused(
            "the rehearsal's stand-in for the aws provider knows the zones of Application Load Balancers only"
        )
    if region not in HOSTED_ZONES:
        raise Refused(f"unsupported AWS Region: {region}")
    return {"id": HOSTED_ZONES[region], "loadBalancerType": kind, "region": region}
