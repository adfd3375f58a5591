"""Certificates and DNS: ACM and Route 53."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from rehearsal.providers.base import Refused
from rehearsal.providers.values import UNKNOWN, Properties

from ..account import Record
from ..behaviour import Behaviour, Moment, api_error, register
from .identities import letters
from .limits import between, text

CERTIFICATE, VALIDATION = "aws:acm/certificate:Certificate", "aws:acm/certificateValidation:CertificateValidation"
ZONE, RECORD = "aws:route53/zone:Zone", "aws:route53/record:Record"
_NAME = r"(\*\.)?(([a-zA-Z0-9_]([a-zA-Z0-9_-]{0,61}[a-zA-Z0-9])?)\.)+[a-zA-Z0-9-]{2,63}\.?"
_COMMON_NAME = 64
"""Longest first name of a certificate, in characters. Source: ACM API, RequestCertificate, DomainName."""
_FURTHER_NAMES = 9
"""Subject alternative names besides the first one (ACM quotas: 10 domain names for each certificate)."""
_TTL = (0, 2147483647)
_TYPES = [
    "A",
    "AAAA",
    "CAA",
    "CNAME",
    "DS",
    "HTTPS",
    "MX",
    "NAPTR",
    "NS",
    "PTR",
    "SOA",
    "SPF",
    "SRV",
    "SSHFP",
    "SVCB",
    "TLSA",
    "TXT",
]
_VALIDATION_MINUTES = 75
"""How long the provider waits for a certificate to be issued (Terraform: create time-out)."""


@register(CERTIFICATE)
class Certificate(Behaviour):
    """A certificate, pending until its names are proved."""

    def check(self, at: Moment, inputs: Mapping[str, Any]) -> Iterable[str]:
        """Names. Source: ACM API, RequestCertificate."""
        names = [inputs.get("domainName"), *(inputs.get("subjectAlternativeNames") or ())]
        for name in names:
            if isinstance(name, str) and name != UNKNOWN and not re.fullmatch(_NAME, name):
                yield f"domainName: {name!r} is not a valid name of a domain"
        first = text(inputs, "domainName")
        if first is not None and len(first) > _COMMON_NAME:
            yield f"domainName: the first name has at most {_COMMON_NAME} characters, got {len(first)}"
        if len(set(map(str, names[1:]))) > _FURTHER_NAMES:
            yield f"subjectAlternativeNames: LimitExceededException: at most {_FURTHER_NAMES} besides the first name"
        if (
            not inputs.get("privateKey")
            and not inputs.get("validationMethod")
            and not inputs.get("certificateAuthorityArn")
        ):
            yield 'validationMethod: required for a certificate that ACM issues: "DNS" or "EMAIL"'

    def outputs(self, at: Moment, resource_id: str, outputs: Properties) -> Properties:
        """The records that prove each name."""
        if outputs.get("domainValidationOptions"):
            return {}
        names = (
            [outputs["domainName"], *(outputs.get("subjectAlternativeNames") or ())]
            if outputs.get("domainName")
            else []
        )
        return {
            "domainValidationOptions": [_proof(at, each) for each in dict.fromkeys(names)],
            "status": "ISSUED" if outputs.get("privateKey") else "PENDING_VALIDATION",
            "type": "IMPORTED" if outputs.get("privateKey") else "AMAZON_ISSUED",
            "keyAlgorithm": outputs.get("keyAlgorithm") or "RSA_2048",
            "subjectAlternativeNames": list(dict.fromkeys(names)),
            "notAfter": "",
            "notBefore": "",
            "pendingRenewal": False,
            "renewalEligibility": "INELIGIBLE",
            "renewalSummaries": [],
            "validationEmails": [],
        }


@register(VALIDATION)
class Validation(Behaviour):
    """Waits until every name is proved by a record in a zone of this account."""

    def admit(self, at: Moment, inputs: Mapping[str, Any]) -> None:
        """The certificate exists, and its proofs are those that were given."""
        certificate = at.account.get(CERTIFICATE, inputs["certificateArn"])
        if certificate is None:
            message = f"Could not find certificate {inputs['certificateArn']} in account {at.account_id}."
            raise api_error("ACM", "DescribeCertificate", "ResourceNotFoundException", message)
        given = {each.rstrip(".") for each in inputs.get("validationRecordFqdns") or ()}
        wanted = {each["resourceRecordName"].rstrip(".") for each in certificate["domainValidationOptions"]}
        if given and wanted - given:
            raise Refused(f"missing {', '.join(sorted(wanted - given))} DNS validation record(s)")

    def identify(self, at: Moment, inputs: Mapping[str, Any]) -> str | None:
        """The time of issue."""
        return "2026-01-01 00:00:00 +0000 UTC"

    def created(self, at: Moment, outputs: Properties) -> Properties:
        """Issued, if the records are where the world looks for them."""
        certificate = at.account.get(CERTIFICATE, outputs["certificateArn"])
        if certificate is None:
            raise Refused(f"certificate {outputs['certificateArn']} is gone")
        if certificate["status"] == "ISSUED":
            return {}
        unproved = [each["domainName"] for each in certificate["domainValidationOptions"] if not _proved(at, each)]
        if unproved:
            at.wait(_VALIDATION_MINUTES * 60)
            raise Refused(
                f"waiting for ACM Certificate ({certificate.id}) to be issued: timeout while waiting for state to become "
                f"'ISSUED' (last state: 'PENDING_VALIDATION', timeout: 1h15m0s); no record proves {', '.join(unproved)}"
            )
        dates = {"notBefore": "2026-01-01T00:00:00Z", "notAfter": "2027-01-31T23:59:59Z"}
        fresh = {**certificate.outputs, **dates, "status": "ISSUED"}
        at.account.put(replace(certificate, outputs=fresh))
        return {}


@register(ZONE)
class Zone(Behaviour):
    """A hosted zone."""

    def check(self, at: Moment, inputs: Mapping[str, Any]) -> Iterable[str]:
        """The name."""
        name = inputs.get("name")
        if name is None:
            yield "name: required: the domain of the zone"
        elif isinstance(name, str) and name != UNKNOWN and not re.fullmatch(_NAME, name):
            yield f"name: {name!r} is not a valid name of a domain"

    def identify(self, at: Moment, inputs: Mapping[str, Any]) -> str | None:
        """Z and letters."""
        return f"Z{letters(at, 20)}"

    def outputs(self, at: Moment, resource_id: str, outputs: Properties) -> Properties:
        """Name servers, out of one set for each zone."""
        number_of = int(hashlib.sha256(resource_id.encode()).hexdigest()[:3], 16) % 2000
        ends = ("com", "net", "org", "co.uk")
        servers = [
            f"ns-{(number_of + index * 512) % 2048}.awsdns-{number_of % 64:02d}.{end}" for index, end in enumerate(ends)
        ]
        return {
            "arn": at.arn("route53", f"hostedzone/{resource_id}", region="", account=""),
            "zoneId": resource_id,
            "nameServers": outputs.get("nameServers") or servers,
            "primaryNameServer": outputs.get("primaryNameServer") or servers[0],
            "forceDestroy": outputs.get("forceDestroy", False),
        }

    def admit_delete(self, at: Moment, outputs: Mapping[str, Any]) -> None:
        """Not while it has records besides its own."""
        if at.account.find(RECORD, zoneId=at.id) and not outputs.get("forceDestroy"):
            message = "The specified hosted zone contains non-required resource record sets and so cannot be deleted."
            raise api_error("Route 53", "DeleteHostedZone", "HostedZoneNotEmpty", message)


@register(RECORD)
class DnsRecord(Behaviour):
    """A record set of a zone."""

    def check(self, at: Moment, inputs: Mapping[str, Any]) -> Iterable[str]:
        """Source: Route 53 API, ResourceRecordSet."""
        if isinstance(inputs.get("type"), str) and inputs["type"] not in (*_TYPES, UNKNOWN):
            yield f"expected type to be one of {_TYPES}, got {inputs['type']}"
        if bool(inputs.get("aliases")) == bool(inputs.get("records")):
            yield "one of `alias,records` must be specified, and not both"
        if inputs.get("records") and inputs.get("ttl") is None:
            yield "ttl: required for a record that is no alias"
        if inputs.get("aliases") and inputs.get("ttl") is not None:
            yield "ttl: not for an alias"
        yield from between(inputs, "ttl", *_TTL, "Route 53 API")
        special = (
            "weightedRoutingPolicies",
            "latencyRoutingPolicies",
            "failoverRoutingPolicies",
            "geolocationRoutingPolicies",
        )
        if any(inputs.get(key) for key in special) and not inputs.get("setIdentifier"):
            yield "setIdentifier: required with a routing policy"

    def admit(self, at: Moment, inputs: Mapping[str, Any]) -> None:
        """Inside of the zone, and not there already unless it may be overwritten."""
        zone = at.account.get(ZONE, inputs["zoneId"])
        name, kind = _full(inputs["name"], zone), inputs["type"]
        same = [each for each in at.account.find(RECORD, zoneId=inputs["zoneId"], type=kind) if each["fqdn"] == name]
        same = [each for each in same if each.get("setIdentifier") == inputs.get("setIdentifier")]
        if same and not inputs.get("allowOverwrite"):
            message = f"[Tried to create resource record set [name='{name}.', type='{kind}'] but it already exists]"
            raise api_error("Route 53", "ChangeResourceRecordSets", "InvalidChangeBatch", message)
        if kind == "CNAME" and zone and name == str(zone["name"]).rstrip("."):
            message = f"[RRSet of type CNAME with DNS name {name}. is not permitted at apex in zone {zone['name']}.]"
            raise api_error("Route 53", "ChangeResourceRecordSets", "InvalidChangeBatch", message)

    def identify(self, at: Moment, inputs: Mapping[str, Any]) -> str | None:
        """Zone, name, type."""
        own = f"{inputs['zoneId']}_{str(inputs['name']).rstrip('.').lower()}_{inputs['type']}"
        return own + (f"_{inputs['setIdentifier']}" if inputs.get("setIdentifier") else "")

    def outputs(self, at: Moment, resource_id: str, outputs: Properties) -> Properties:
        """The whole name."""
        return {"fqdn": _full(outputs["name"], at.account.get(ZONE, outputs["zoneId"]))}


def _proof(at: Moment, name: str) -> dict[str, str]:
    base = name.removeprefix("*.")
    secret = hashlib.sha256(f"{at.account_id} {base}".encode()).hexdigest()
    return {
        "domainName": name,
        "resourceRecordName": f"_{secret[:32]}.{base}.",
        "resourceRecordType": "CNAME",
        "resourceRecordValue": f"_{secret[32:]}.jkddzztszm.acm-validations.aws.",
    }


def _proved(at: Moment, proof: Mapping[str, str]) -> bool:
    name, value = proof["resourceRecordName"].rstrip("."), proof["resourceRecordValue"].rstrip(".")
    for record in at.account.find(RECORD, fqdn=name, type=proof["resourceRecordType"]):
        zone = at.account.get(ZONE, record["zoneId"])
        public = zone is not None and not zone.get("vpcs")
        if public and value in [each.rstrip(".") for each in record.get("records") or ()]:
            return True
    return False


def _full(name: str, zone: Record | None) -> str:
    own, domain = str(name).rstrip(".").lower(), str(zone["name"]).rstrip(".").lower() if zone else ""
    if not own:
        return domain
    return own if not domain or own == domain or own.endswith(f".{domain}") else f"{own}.{domain}"
