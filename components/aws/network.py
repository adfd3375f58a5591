"""The VPC that everything stands in, and its ways out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pulumi
from pulumi_aws import ec2

from ..ordering import after
from . import values
from .account import Account
from .endpoints import interface_endpoints, s3_endpoint
from .flow_logs import check_retention, flow_log
from .subnets import layout

EVERYWHERE = "0.0.0.0/0"


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    """A VPC over two to six zones."""

    account: Account
    name: str
    """What the Name tags begin with."""
    cidr: str
    """The addresses of the VPC, /16 to /20, private, such as `10.20.0.0/16`; see `subnets`."""
    zones: Sequence[str]
    """In an order that never changes, for it decides which addresses a zone has: add one at the end alone."""
    nat: Literal["per-zone", "single"] = "per-zone"
    """`single`: one NAT gateway, in the first zone. It costs less, and when that zone fails no node reaches the internet."""
    interface_endpoints: bool = False
    """True: nodes reach AWS' own services without NAT gateways, at a price per endpoint, zone and hour."""
    flow_log_days: int | None = 90
    """Days that flow logs are kept; None: none are written."""
    key_arn: pulumi.Input[str]
    """The KMS key of the flow logs."""
    protect: bool = False
    """True: destroying the stack refuses to delete the VPC and its subnets, and a preview that would replace one fails."""

    def __post_init__(self) -> None:
        if self.nat not in ("per-zone", "single"):
            raise ValueError(f"nat: {self.nat!r} given; allowed are 'per-zone' and 'single'")
        check_retention("flow_log_days", self.flow_log_days)
        layout(self.cidr, self.zones)
        if len(self.zones) < 2:
            raise ValueError(
                f"zones: {self.zones[0]} alone given; allowed are two to six: EKS, Aurora and Application Load Balancers "
                "refuse subnets in one zone. Give three."
            )


@dataclass(frozen=True)
class _WayOut:
    """A NAT gateway and what has to be there before it leads anywhere."""

    gateway: ec2.NatGateway
    needs: tuple[pulumi.Resource, ...]


class Network(pulumi.ComponentResource):
    """A VPC with a public, a private and a database subnet in each zone, and nothing in it that admits anyone.

    Public subnets route to the internet gateway and assign no public addresses: they hold NAT gateways and load
    balancers. Private subnets, for nodes and pods, reach the internet by NAT. Database subnets have no route out. S3 is
    reached by a gateway endpoint from both, other services by interface endpoints where these are asked for. The
    default security group is emptied, so that what was given none talks to no one. Flow logs go to an encrypted log group.

    Every private subnet has a route table of its own, with one NAT gateway too: `nat` can then change in place.
    """

    outputs: values.Network
    egress_addresses: tuple[pulumi.Output[str], ...]
    """The public addresses that traffic of nodes and pods comes from, for the allow-lists of others."""

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("wandb:aws:Network", name, {}, opts)
        self._name, self._args = name, args
        ranges = layout(args.cidr, args.zones)
        self._vpc = self._make_vpc()
        public = self._subnets("public", ranges.public, {"kubernetes.io/role/elb": "1"})
        private = self._subnets("private", ranges.private, {"kubernetes.io/role/internal-elb": "1"})
        database = self._subnets("database", ranges.database, {})
        gateway, public_routes = self._public_routes(public)
        nats = self._nats(public, gateway, public_routes)
        tables, node_routes = self._private_routes(private, nats)
        endpoints = self._endpoints(private, [*tables, self._database_table(database)])
        if args.flow_log_days is not None:
            self._flow_log(args.flow_log_days)
        self.outputs = values.Network(
            vpc_id=self._vpc.id,
            zones=tuple(args.zones),
            private_subnets=tuple(subnet.id for subnet in private),
            node_subnets=tuple(
                after(subnet.id, *routes, *endpoints) for subnet, routes in zip(private, node_routes, strict=True)
            ),
            public_subnets=tuple(
                after(subnet.id, *routes) for subnet, routes in zip(public, public_routes, strict=True)
            ),
            database_subnets=tuple(subnet.id for subnet in database),
        )
        self.register_outputs({"vpc_id": self.outputs.vpc_id})

    def _child(self, *before: pulumi.Resource, protect: bool | None = None) -> pulumi.ResourceOptions:
        provider = self._args.account.provider
        return pulumi.ResourceOptions(parent=self, provider=provider, depends_on=list(before), protect=protect)

    def _tags(self, purpose: str) -> dict[str, str]:
        return {"Name": f"{self._args.name}-{purpose}"}

    def _make_vpc(self) -> ec2.Vpc:
        vpc = ec2.Vpc(
            f"{self._name}-vpc",
            cidr_block=self._args.cidr,
            # EKS and private endpoints need both
            enable_dns_support=True,
            enable_dns_hostnames=True,
            tags={"Name": self._args.name},
            opts=self._child(protect=self._args.protect),
        )
        ec2.DefaultSecurityGroup(
            f"{self._name}-default", vpc_id=vpc.id, tags=self._tags("default-unused"), opts=self._child()
        )
        return vpc

    def _subnets(self, kind: str, ranges: Sequence[str], tags: Mapping[str, str]) -> list[ec2.Subnet]:
        return [
            ec2.Subnet(
                f"{self._name}-{kind}-{zone}",
                vpc_id=self._vpc.id,
                cidr_block=cidr,
                availability_zone=zone,
                map_public_ip_on_launch=False,
                tags={**self._tags(f"{kind}-{zone}"), **tags},
                opts=self._child(protect=self._args.protect),
            )
            for zone, cidr in zip(self._args.zones, ranges, strict=True)
        ]

    def _table(self, purpose: str) -> ec2.RouteTable:
        return ec2.RouteTable(
            f"{self._name}-{purpose}", vpc_id=self._vpc.id, tags=self._tags(purpose), opts=self._child()
        )

    def _associate(self, kind: str, zone: str, subnet: ec2.Subnet, table: ec2.RouteTable) -> pulumi.Resource:
        return ec2.RouteTableAssociation(
            f"{self._name}-{kind}-{zone}", subnet_id=subnet.id, route_table_id=table.id, opts=self._child()
        )

    def _public_routes(
        self, subnets: Sequence[ec2.Subnet]
    ) -> tuple[ec2.InternetGateway, list[tuple[pulumi.Resource, ...]]]:
        """The internet gateway, and for each subnet what leads it there."""
        gateway = ec2.InternetGateway(
            f"{self._name}-internet", vpc_id=self._vpc.id, tags=self._tags("internet"), opts=self._child()
        )
        table = self._table("public")
        route = ec2.Route(
            f"{self._name}-public",
            route_table_id=table.id,
            destination_cidr_block=EVERYWHERE,
            gateway_id=gateway.id,
            opts=self._child(),
        )
        zones = zip(self._args.zones, subnets, strict=True)
        return gateway, [(route, self._associate("public", zone, subnet, table)) for zone, subnet in zones]

    def _nats(
        self,
        public: Sequence[ec2.Subnet],
        internet: ec2.InternetGateway,
        routes: Sequence[tuple[pulumi.Resource, ...]],
    ) -> list[_WayOut]:
        """The NAT gateway of each zone, which is the first zone's for all where there is one."""
        zones = list(zip(self._args.zones, public, routes, strict=True))
        made: list[_WayOut] = []
        addresses: list[pulumi.Output[str]] = []
        for zone, subnet, needs in zones if self._args.nat == "per-zone" else zones[:1]:
            # AWS makes neither in a VPC without an internet gateway, and does not let that go before them
            tags, opts = self._tags(f"nat-{zone}"), self._child(internet)
            address = ec2.Eip(f"{self._name}-nat-{zone}", domain="vpc", tags=tags, opts=opts)
            nat = ec2.NatGateway(
                f"{self._name}-nat-{zone}", subnet_id=subnet.id, allocation_id=address.id, tags=tags, opts=opts
            )
            made.append(_WayOut(nat, needs))
            addresses.append(address.public_ip)
        self.egress_addresses = tuple(addresses)
        return made if self._args.nat == "per-zone" else made * len(zones)

    def _private_routes(
        self, subnets: Sequence[ec2.Subnet], nats: Sequence[_WayOut]
    ) -> tuple[list[ec2.RouteTable], list[tuple[pulumi.Resource, ...]]]:
        """The route table of each subnet, and what leads it to the internet."""
        tables, routes = [], []
        for zone, subnet, nat in zip(self._args.zones, subnets, nats, strict=True):
            table = self._table(f"private-{zone}")
            route = ec2.Route(
                f"{self._name}-private-{zone}",
                route_table_id=table.id,
                destination_cidr_block=EVERYWHERE,
                nat_gateway_id=nat.gateway.id,
                opts=self._child(),
            )
            tables.append(table)
            routes.append((route, self._associate("private", zone, subnet, table), *nat.needs))
        return tables, routes

    def _database_table(self, subnets: Sequence[ec2.Subnet]) -> ec2.RouteTable:
        table = self._table("database")
        for zone, subnet in zip(self._args.zones, subnets, strict=True):
            self._associate("database", zone, subnet, table)
        return table

    def _endpoints(
        self, private: Sequence[ec2.Subnet], tables: Sequence[ec2.RouteTable]
    ) -> tuple[pulumi.Resource, ...]:
        args = self._args
        gateway = s3_endpoint(
            f"{self._name}-s3",
            account=args.account,
            vpc_id=self._vpc.id,
            route_tables=[table.id for table in tables],
            tag=f"{args.name}-s3",
            parent=self,
        )
        if not args.interface_endpoints:
            return (gateway,)
        interfaces = interface_endpoints(
            f"{self._name}-endpoints",
            account=args.account,
            vpc_id=self._vpc.id,
            cidr=args.cidr,
            subnets=[subnet.id for subnet in private],
            tag=f"{args.name}-endpoints",
            parent=self,
        )
        return gateway, *interfaces

    def _flow_log(self, days: int) -> None:
        flow_log(
            f"{self._name}-flow-logs",
            account=self._args.account,
            vpc_id=self._vpc.id,
            key_arn=self._args.key_arn,
            days=days,
            parent=self,
        )
