"""An AWS account in which everything that a stack names exists and is as it should be: answers for the recorder.

It stands in for AWS's answers to functions of the SDK, by plain data. It knows no rule of AWS; it cannot show that AWS would
answer so. Answers have the names of the SDK's own result types; tests/pure/test_aws_preflight.py holds that.

    record_function(program, answer=World(region="eu-central-1"))
    World(region="eu-central-1").but("ec2/getVpc", enableDnsHostnames=False)     one answer is another
    World(region="eu-central-1").without("kms/getKey")                           one thing does not exist
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from settings.regions import REGIONS

ISSUER = "https://oidc.eks.{region}.example.com/id/0123456789ABCDEF0123456789ABCDEF"
CERTIFICATE = "acm/certificate"


class Absent(Exception):
    """AWS says that there is no such thing."""


@dataclass(frozen=True, kw_only=True)
class World:
    """The account. Called with a token and arguments it answers like the provider, as `recorder.Answer` does."""

    region: str
    account: str = "123456789012"
    host: str = "wandb.example.com"
    vpc: str = "vpc-0123456789abcdef0"
    zones_of_subnets: Mapping[str, str] = field(default_factory=dict)
    """Zone of each subnet; of others the region's zones in turn."""
    changes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What answers have in place of the usual, by function; after a space may follow an argument that names one thing, or `own` or
    `all` for lists of what the stack made and of what there is."""
    absent: frozenset[str] = frozenset()
    """The functions, or things, that are answered with an error."""

    @classmethod
    def of(cls, config: Mapping[str, str]) -> Self:
        """The account that a stack expects, by its configuration as the CLI gives it. What the program will refuse to read is
        as if it were not there."""
        aws: Mapping[str, Any] = json.loads(config.get("wandb:aws", "{}"))
        network = aws.get("network") or {}
        named = str(aws.get("region"))
        region = named if named in REGIONS else "us-east-1"
        zones = network.get("zones") or REGIONS[region].default_zones
        kinds = (network.get(key) or () for key in ("privateSubnetIds", "publicSubnetIds", "databaseSubnetIds"))
        return cls(
            region=region,
            account=str(aws.get("accountId")),
            host=config.get("wandb:host", cls.host),
            vpc=network.get("vpcId") or cls.vpc,
            zones_of_subnets={
                each: zones[index % len(zones)] for kind in kinds for index, each in enumerate(kind) if zones
            },
        )

    def but(self, what: str, **changes: Any) -> World:
        """The same account with another answer to the function `what`, or about one thing: `ec2/getSubnet subnet-1`."""
        return replace(self, changes={**self.changes, what: {**self.changes.get(what, {}), **changes}})

    def without(self, *what: str) -> World:
        """The same account without what these functions look for."""
        return replace(self, absent=self.absent | set(what))

    def __call__(self, token: str, arguments: Mapping[str, Any]) -> Any:
        """The answer; where there is no such thing a failure, as the engine hands it on."""
        try:
            return self.answer(token.removeprefix("aws:").rpartition(":")[0], arguments)
        except Absent as error:
            return {}, [("", str(error))]

    def answer(self, function: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a function such as `ec2/getVpc`. Raises Absent, and LookupError for functions that nobody taught it."""
        known = ANSWERS.get(function)
        if known is None:
            raise LookupError(f"tests/harness/aws.py has no answer to {function}")
        names = [each for each in arguments.values() if isinstance(each, str)]
        names.append("own" if arguments.get("tags") else "all")
        asked = [function, *(f"{function} {name}" for name in names)]
        if self.absent & set(asked):
            raise Absent(f"reading {function} ({', '.join(names)}): couldn't find resource")
        found = known(self, arguments)
        for each in asked:
            found |= self.changes.get(each, {})
        return found

    @property
    def partition(self) -> str:
        return REGIONS[self.region].partition

    @property
    def zones(self) -> tuple[str, ...]:
        """The zones that the account sees."""
        return REGIONS[self.region].default_zones or tuple(f"{self.region}{letter}" for letter in "abc")

    def arn(self, service: str, resource: str, *, region: str | None = None) -> str:
        """An ARN of the account."""
        place = self.region if region is None else region
        return f"arn:{self.partition}:{service}:{place}:{self.account}:{resource}"


def _caller(world: World, _: Mapping[str, Any]) -> dict[str, Any]:
    arn = world.arn("sts", "assumed-role/deploy/pulumi", region="")
    return {"accountId": world.account, "arn": arn, "userId": "AROAEXAMPLE:pulumi", "id": world.account}


def _zones(world: World, _: Mapping[str, Any]) -> dict[str, Any]:
    # ids of a made-up shape: which letter is which zone differs from account to account
    ids = [f"{world.region}-id{number}" for number, _ in enumerate(world.zones, 1)]
    return {"names": list(world.zones), "zoneIds": ids, "groupNames": [world.region], "id": world.region}


def _versions(_: World, __: Mapping[str, Any]) -> dict[str, Any]:
    statuses = {"1.33": "EXTENDED_SUPPORT", **dict.fromkeys(("1.34", "1.35", "1.36"), "STANDARD_SUPPORT")}
    return {
        "clusterVersions": [
            {"clusterVersion": version, "versionStatus": status, "endOfStandardSupportDate": "2026-07-29T00:00:00Z"}
            for version, status in statuses.items()
        ]
    }


def _cluster(world: World, arguments: Mapping[str, Any]) -> dict[str, Any]:
    name, issuer = arguments["name"], ISSUER.format(region=world.region)
    return {
        "name": name,
        "arn": world.arn("eks", f"cluster/{name}"),
        "status": "ACTIVE",
        "version": "1.35",
        "endpoint": "https://0123456789ABCDEF.eks.example.com",
        "certificateAuthorities": [{"data": "LS0tLS1CRUdJTg=="}],
        "identities": [{"oidcs": [{"issuer": issuer}]}],
        "accessConfigs": [
            {"authenticationMode": "API_AND_CONFIG_MAP", "bootstrapClusterCreatorAdminPermissions": True}
        ],
        "vpcConfig": {
            "vpcId": world.vpc,
            "subnetIds": sorted(world.zones_of_subnets),
            "clusterSecurityGroupId": "sg-0123456789abcdef0",
            "securityGroupIds": [],
            "endpointPrivateAccess": True,
            "endpointPublicAccess": True,
            "publicAccessCidrs": [],
        },
        "tags": {},
    }


def _oidc(world: World, arguments: Mapping[str, Any]) -> dict[str, Any]:
    url = str(arguments["url"]).removeprefix("https://")
    return {"arn": world.arn("iam", f"oidc-provider/{url}", region=""), "url": url, "tags": {}}


def _offerings(world: World, arguments: Mapping[str, Any]) -> dict[str, Any]:
    types = [each for chosen in arguments["filters"] for each in chosen["values"]]
    pairs = [(kind, zone) for kind in types for zone in {*world.zones, *world.zones_of_subnets.values()}]
    return {
        "instanceTypes": [kind for kind, _ in pairs],
        "locations": [zone for _, zone in pairs],
        "locationTypes": ["availability-zone"] * len(pairs),
    }


def _vpc(_: World, arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": arguments["id"],
        "cidrBlock": "10.64.0.0/16",
        "cidrBlockAssociations": [{"associationId": "vpc-cidr-1", "cidrBlock": "10.64.0.0/16", "state": "associated"}],
        "enableDnsSupport": True,
        "enableDnsHostnames": True,
        "state": "available",
        "tags": {},
    }


def _subnet(world: World, arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": arguments["id"],
        "vpcId": world.vpc,
        "availabilityZone": world.zones_of_subnets.get(arguments["id"], world.zones[0]),
        "availableIpAddressCount": 8187,
        "cidrBlock": "10.64.0.0/19",
        "state": "available",
        "tags": {},
    }


def _listed(key: str, *ids: str) -> Any:
    """What is listed: the stack's own, which are asked for by tags, are none."""
    return lambda _, arguments: {key: [] if arguments.get("tags") else list(ids)}


def _engine(_: World, arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {"engine": arguments["engine"], "version": arguments["version"], "parameterGroupFamily": "aurora-mysql8.0"}


def _database(world: World, arguments: Mapping[str, Any]) -> dict[str, Any]:
    given = {key: arguments[key] for key in ("engine", "engineVersion", "instanceClass", "storageType")}
    return given | {"availabilityZones": sorted({*world.zones, *world.zones_of_subnets.values()})}


def _snapshot(_: World, arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "dbClusterSnapshotIdentifier": arguments["dbClusterSnapshotIdentifier"],
        "engine": "aurora-mysql",
        "engineVersion": "8.0.mysql_aurora.3.10.0",
        "status": "available",
    }


def _zone(world: World, arguments: Mapping[str, Any]) -> dict[str, Any]:
    name = world.host.partition(".")[2]
    return {"zoneId": arguments["zoneId"], "name": name, "privateZone": False, "nameServers": ["ns-1.example.com"]}


def _key(_: World, arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "arn": arguments["keyId"],
        "enabled": True,
        "keyState": "Enabled",
        "keySpec": "SYMMETRIC_DEFAULT",
        "keyUsage": "ENCRYPT_DECRYPT",
        "keyManager": "CUSTOMER",
    }


def _web_acl(_: World, arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": arguments["name"], "scope": arguments["scope"]}


def _quota(_: World, arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {"quotaCode": arguments["quotaCode"], "serviceCode": arguments["serviceCode"], "value": 256}


def _certificate(world: World, arguments: Mapping[str, Any]) -> dict[str, Any]:
    names = [world.host]
    return {"arn": arguments["id"], "domainName": world.host, "subjectAlternativeNames": names, "status": "ISSUED"}


ANSWERS: Mapping[str, Any] = {
    "index/getCallerIdentity": _caller,
    "index/getAvailabilityZones": _zones,
    "eks/getClusterVersions": _versions,
    "eks/getClusters": lambda _, __: {"names": []},
    "eks/getCluster": _cluster,
    "iam/getOpenIdConnectProvider": _oidc,
    "ec2/getInstanceTypeOfferings": _offerings,
    "ec2/getVpc": _vpc,
    "ec2/getVpcs": _listed("ids", "vpc-0aaaaaaaaaaaaaaaa"),
    "ec2/getSubnet": _subnet,
    "ec2/getEips": _listed("allocationIds"),
    "ec2/getNatGateways": _listed("ids"),
    "rds/getEngineVersion": _engine,
    "rds/getOrderableDbInstance": _database,
    "rds/getClusterSnapshot": _snapshot,
    "route53/getZone": _zone,
    "lb/getHostedZoneId": lambda _, __: {"id": "Z0123456789EXAMPLE0"},
    "kms/getKey": _key,
    "wafv2/getWebAcl": _web_acl,
    "servicequotas/getServiceQuota": _quota,
    CERTIFICATE: _certificate,
}
"""By function; the resource that is read is among them under its own module and name."""
