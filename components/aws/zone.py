"""A public hosted zone that the stack makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from .account import Account


@dataclass(frozen=True, kw_only=True)
class ZoneArgs:
    """A zone, such as `wandb.example.com`, below a domain that somebody else serves."""

    account: Account
    domain: str
    protect: bool = False
    """True: destroying the stack refuses to delete the zone. A new one has other name servers."""


class Zone(pulumi.ComponentResource):
    """A public hosted zone. Whoever serves the domain above it has to name its name servers, or nobody finds it.

    A certificate in it is issued only after that, and `up` waits for the certificate: so each `up` says the name servers
    as soon as it knows them.
    """

    id: pulumi.Output[str]
    name_servers: pulumi.Output[Sequence[str]]

    def __init__(self, name: str, args: ZoneArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("wandb:aws:Zone", name, {}, opts)
        zone = aws.route53.Zone(
            f"{name}-zone",
            name=args.domain,
            comment="W&B",
            # somebody else's records in it are a reason to stop
            force_destroy=False,
            opts=pulumi.ResourceOptions(parent=self, provider=args.account.provider, protect=args.protect),
        )
        self.id = zone.zone_id
        self.name_servers = zone.name_servers
        self.name_servers.apply(lambda servers: pulumi.log.info(delegation(args.domain, servers), resource=zone))
        self.register_outputs({"name_servers": self.name_servers})


def delegation(domain: str, servers: Sequence[str]) -> str:
    """What has to be done by hand, once, and what waits for it."""
    names = ", ".join(sorted(servers))
    return (
        f"{domain} has to be delegated: in the domain above it, make one NS record {domain} with {names}. "
        "The certificate is issued only then, and `pulumi up` waits for it."
    )
