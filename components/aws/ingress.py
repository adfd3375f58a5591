"""The Application Load Balancer in front of W&B, its certificate and its name.

An ALB is made by a controller in the cluster, from Ingresses. W&B's own Ingress is made by W&B's operator, last of all and
out of Pulumi's sight. So the platform opens the load balancer itself:

- an IngressClass carries every setting, so all Ingresses of the class agree, whoever makes them;
- an Ingress of the platform's own, in the same group, opens the ALB early. It answers only what no rule of W&B's matches.

So the ALB's host name is known before W&B is there, and its record is in the preview.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi_kubernetes import networking
from pulumi_kubernetes.apiextensions import CustomResource

from .. import contracts
from ..ordering import after
from .certificate import Certificate, CertificateArgs
from .ingress_settings import LISTENERS, OPENING, IngressArgs, class_parameters, opening_ingress
from .load_balancer import LoadBalancerController
from .zone import Zone, ZoneArgs

__all__ = ["Ingress", "IngressArgs"]

CONTROLLER = "ingress.k8s.aws/alb"
OPEN_MINUTES = 15
"""How long an ALB may take to be there. Usually it takes two or three; the first one in an account makes a role first."""


class Ingress(pulumi.ComponentResource):
    """An ALB with TLS 1.2 or newer, HTTP redirected to HTTPS, a certificate, and a record of `host` that points at it.

    On the way down W&B's Ingress goes first, then the platform's own and with it the ALB, then the class and the
    controller: nothing is left that would hold on to the network.
    """

    outputs: contracts.Ingress
    load_balancer_host: pulumi.Output[str]
    """What a record of `host` has to point at, where none is made here."""
    name_servers: pulumi.Output[Sequence[str]] | None
    """Of the zone that is made here: the domain above it has to name them."""

    def __init__(self, name: str, args: IngressArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("wandb:aws:Ingress", name, {}, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)
        zone = self._zone()
        self.name_servers = zone.name_servers if zone else None
        zone_id = zone.id if zone else args.zone_id
        ingress_class = self._class(self._certificate(zone_id))
        opening = self._open(ingress_class)
        self.load_balancer_host = opening.status.apply(_hostname)
        if zone_id is not None:
            self._record(zone_id)
        self.outputs = contracts.Ingress(
            class_name=args.class_name,
            # through the platform's own Ingress: W&B's comes after the ALB and goes before it. Pulumi cannot see when W&B's
            # is gone, but it waits for its own, which the controller lets go with the ALB itself
            annotations={key: after(value, opening) for key, value in LISTENERS.items()},
            load_balancer="aws",
        )
        self.register_outputs({"load_balancer_host": self.load_balancer_host})

    @property
    def _object(self) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, provider=self._args.cluster.provider)

    def _zone(self) -> Zone | None:
        args = self._args
        if args.zone_name is None:
            return None
        zone = ZoneArgs(account=args.account, domain=args.zone_name, protect=args.protect)
        return Zone(f"{self._name}-dns", zone, self._child)

    def _certificate(self, zone_id: pulumi.Input[str] | None) -> pulumi.Input[str]:
        args = self._args
        if args.certificate_arn is not None:
            return args.certificate_arn
        if zone_id is None:
            raise ValueError("certificate_arn: none given, and no zone in which one could be issued")
        made = CertificateArgs(account=args.account, host=args.host, zone_id=zone_id)
        return Certificate(f"{self._name}-tls", made, self._child).arn

    def _class(self, certificate_arn: pulumi.Input[str]) -> networking.v1.IngressClass:
        name, args = self._name, self._args
        made = args.controller
        controller = LoadBalancerController(f"{name}-controller", made, self._child) if made else None
        parameters = CustomResource(
            f"{name}-parameters",
            api_version="elbv2.k8s.aws/v1beta1",
            kind="IngressClassParams",
            metadata={"name": args.class_name},
            spec=class_parameters(args, certificate_arn),
            opts=pulumi.ResourceOptions(
                parent=self,
                provider=args.cluster.provider,
                depends_on=[controller.release] if controller else list(args.cluster.ready),
            ),
        )
        return networking.v1.IngressClass(
            f"{name}-class",
            metadata={"name": args.class_name},
            spec={
                "controller": CONTROLLER,
                "parameters": {
                    "api_group": "elbv2.k8s.aws",
                    "kind": "IngressClassParams",
                    "name": after(args.class_name, parameters),
                    "scope": "Cluster",
                },
            },
            opts=self._object,
        )

    def _open(self, ingress_class: networking.v1.IngressClass) -> networking.v1.Ingress:
        args = self._args
        annotations, spec = opening_ingress(args.class_name)
        minutes = f"{OPEN_MINUTES}m"
        return networking.v1.Ingress(
            f"{self._name}-opening",
            metadata={
                "name": OPENING,
                "namespace": args.namespace,
                "annotations": annotations,
                "labels": {"app.kubernetes.io/part-of": "wandb", "app.kubernetes.io/managed-by": "pulumi"},
            },
            spec=spec,
            opts=pulumi.ResourceOptions(
                parent=self,
                provider=args.cluster.provider,
                depends_on=[ingress_class],
                protect=args.protect,
                custom_timeouts=pulumi.CustomTimeouts(create=minutes, update=minutes, delete=minutes),
            ),
        )

    def _record(self, zone_id: pulumi.Input[str]) -> aws.route53.Record:
        args = self._args
        # a table inside the provider: which zone the host names of this region's ALBs are in
        found = aws.lb.get_hosted_zone_id_output(
            load_balancer_type="application",
            region=args.account.region,
            opts=pulumi.InvokeOutputOptions(parent=self, provider=args.account.provider),
        )
        return aws.route53.Record(
            f"{self._name}-record",
            zone_id=zone_id,
            name=args.host,
            type="A",
            aliases=[{"name": self.load_balancer_host, "zone_id": found.id, "evaluate_target_health": False}],
            opts=pulumi.ResourceOptions(parent=self, provider=args.account.provider),
        )


def _hostname(status: Any) -> str:
    return status.load_balancer.ingress[0].hostname
