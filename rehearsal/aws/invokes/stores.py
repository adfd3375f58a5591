"""Zones, keys, certificates, buckets, web ACLs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rehearsal.providers.base import Refused
from rehearsal.providers.values import Properties

from ..behaviour import Moment
from ..services.names import CERTIFICATE, RECORD, ZONE
from ..services.references import KEY, lookup
from ..services.s3 import BUCKET
from . import answers
from .found import one, shown


@answers("route53/getZone")
def zone(at: Moment, arguments: Mapping[str, Any]) -> Properties:
    """A hosted zone by id, or by name."""
    wanted, name = arguments.get("zoneId"), str(arguments.get("name") or "").rstrip(".")
    found = [
        each
        for each in at.account.all(ZONE)
        if (each.id == wanted if wanted else str(each["name"]).rstrip(".") == name)
        and bool(each.get("vpcs")) == bool(arguments.get("privateZone", bool(each.get("vpcs")) if wanted else False))
    ]
    if not found:
        raise Refused(f"reading Route 53 Hosted Zone ({wanted or name}): no matching Route 53 Hosted Zone found")
    record = one(at, "Route 53 Hosted Zone", wanted or name, found)
    records = len(at.account.find(RECORD, zoneId=record.id)) + 2
    return shown(record, zoneId=record.id, privateZone=bool(record.get("vpcs")), resourceRecordSetCount=records)


@answers("kms/getKey")
def key(at: Moment, arguments: Mapping[str, Any]) -> Properties:
    """A key by id, ARN or alias."""
    wanted = str(arguments["keyId"])
    if "alias/" in wanted:
        name = f"alias/{wanted.partition('alias/')[2]}"
        aliases = at.find("aws:kms/alias:Alias", name=name)
        wanted = aliases[0]["targetKeyId"] if aliases else wanted
    found = lookup(at, KEY, "arn", wanted)
    if found is None or found.region != at.region:
        raise Refused(f"reading KMS Key ({arguments['keyId']}): NotFoundException: Key '{wanted}' does not exist")
    enabled = found.get("isEnabled") is not False
    spec = found.get("customerMasterKeySpec") or "SYMMETRIC_DEFAULT"
    return shown(
        found,
        awsAccountId=at.account_id,
        enabled=enabled,
        keyId=found.id,
        keyManager="CUSTOMER",
        keySpec=spec,
        customerMasterKeySpec=spec,
        keyState=found.get("keyState") or ("Enabled" if enabled else "Disabled"),
        keyUsage=found.get("keyUsage") or "ENCRYPT_DECRYPT",
        origin="AWS_KMS",
    )


@answers("kms/getAlias")
def alias(at: Moment, arguments: Mapping[str, Any]) -> Properties:
    """An alias by name."""
    found = at.find("aws:kms/alias:Alias", name=arguments["name"])
    return shown(one(at, "KMS Alias", arguments["name"], found))


@answers("acm/getCertificate")
def certificate(at: Moment, arguments: Mapping[str, Any]) -> Properties:
    """A certificate by its first name; issued ones unless told otherwise."""
    domain, statuses = arguments.get("domain"), arguments.get("statuses") or ["ISSUED"]
    found = [
        each for each in at.find(CERTIFICATE) if domain in (None, each["domainName"]) and each["status"] in statuses
    ]
    if not found:
        raise Refused("no ACM Certificate matching domain found: empty result")
    if len(found) > 1 and not arguments.get("mostRecent"):
        raise Refused("multiple ACM Certificates matching criteria found; use most_recent")
    return shown(found[-1], domain=found[-1]["domainName"])


@answers("s3/getBucket")
def bucket(at: Moment, arguments: Mapping[str, Any]) -> Properties:
    """A bucket."""
    name = arguments["bucket"]
    found = at.account.get(BUCKET, name)
    if found is None:
        raise Refused(f"reading S3 Bucket ({name}): couldn't find resource: NotFound: Not Found")
    return shown(found, bucketRegion=found.region)


@answers("wafv2/getWebAcl")
def web_acl(at: Moment, arguments: Mapping[str, Any]) -> Properties:
    """A web ACL by name and scope."""
    found = at.find("aws:wafv2/webAcl:WebAcl", name=arguments.get("name"), scope=arguments["scope"])
    return shown(one(at, "WAFv2 WebACL", str(arguments.get("name")), found))
