"""How W&B's Services are reached from outside: which path leads to which, and what controllers have to be told.

The routes are those of W&B's reference architecture ("W&B service routing") and of chart `operator-wandb` 0.43.8. The chart makes
an Ingress of them; for the Gateway API, which it does not know, this program makes an HTTPRoute of the same.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import pulumi
from pulumi_kubernetes import Provider
from pulumi_kubernetes.apiextensions import CustomResource

from .. import contracts
from ..ordering import after
from .inventory import NAME

Controller = Literal["nginx", "traefik", "alb", "gce", "application-gateway", "openshift"]
CONTROLLERS: tuple[Controller, ...] = get_args(Controller)
TIMEOUT_SECONDS = 300
"""W&B's longest queries take minutes."""
GATEWAY_API = "gateway.networking.k8s.io/v1"


@dataclass(frozen=True, kw_only=True)
class Route:
    """Everything below a path, and the Service and port that answer it."""

    path: str
    service: str
    port: int


def routes(products: Collection[str], optional: Collection[str] = ()) -> tuple[Route, ...]:
    """Every route of an installation for `products` with those optional components, in the chart's order."""
    table = [("/", "frontend", 8080), ("/api", "api", 8081), ("/graphql", "api", 8081), ("/graphql2", "api", 8081)]
    if "mcp-server" in optional:
        table.append(("/mcp", "mcp-server", 8080))
    table.append(("/console", "console", 8082))
    if "weave" in products:
        table.append(("/traces", "weave-trace", 8722))
    return tuple(Route(path=path, service=f"{NAME}-{component}", port=port) for path, component, port in table)


def annotations(controller: Controller | None, seconds: int = TIMEOUT_SECONDS) -> dict[str, str]:
    """What a controller has to be told for uploads of any size and answers that take up to `seconds`.

    nginx (ingress-nginx): bodies of 1 MB and answers within 60 s are its defaults. ALB: pods are reached by address, for W&B's
    Services have no node port; idle connections are closed after 60 s. Azure's: 30 s. OpenShift's router: 30 s, and an Ingress
    without a certificate of its own is no TLS route unless it says so. Traefik takes any body, and its time-outs are its own
    configuration's; so are those of GCE, in the BackendConfigs that the chart makes.
    """
    match controller:
        case "nginx":
            prefix = "nginx.ingress.kubernetes.io"
            times = dict.fromkeys((f"{prefix}/proxy-read-timeout", f"{prefix}/proxy-send-timeout"), str(seconds))
            return {f"{prefix}/proxy-body-size": "0", **times}
        case "alb":
            prefix = "alb.ingress.kubernetes.io"
            return {
                f"{prefix}/target-type": "ip",
                f"{prefix}/listen-ports": json.dumps([{"HTTP": 80}, {"HTTPS": 443}]),
                f"{prefix}/ssl-redirect": "443",
                f"{prefix}/load-balancer-attributes": f"idle_timeout.timeout_seconds={seconds}",
            }
        case "application-gateway":
            return {"appgw.ingress.kubernetes.io/request-timeout": str(seconds)}
        case "openshift":
            return {
                "haproxy.router.openshift.io/timeout": f"{seconds}s",
                "route.openshift.io/termination": "edge",
            }
    return {}


def without_tls(controller: Controller | None, told: Mapping[str, str]) -> dict[str, str]:
    """`told` for an installation that is reached by http alone."""
    secure = ("/ssl-redirect", "/listen-ports", "/termination")
    return {key: value for key, value in told.items() if not (controller and key.endswith(secure))}


@dataclass(frozen=True, kw_only=True)
class GatewayRouteArgs:
    """Which Gateway leads to W&B, and where its Services are."""

    provider: Provider
    namespace: pulumi.Input[str]
    gateway: contracts.Gateway
    hosts: Sequence[str]
    products: frozenset[str]
    optional: Collection[str] = ()
    """Optional components that run."""
    instance: pulumi.Resource
    """The WeightsAndBiases resource: its Services are there before the route, and after it."""


class GatewayRoute(pulumi.ComponentResource):
    """An HTTPRoute to W&B's Services, from a Gateway that exists or from one that is made here of an existing class.

    It waits for no status: what its controller says of it comes when that has it, which may be after a load balancer is there.
    """

    def __init__(self, name: str, args: GatewayRouteArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("wandb:wandb:GatewayRoute", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self, provider=args.provider, depends_on=[args.instance])
        parent = parent_reference(args.gateway)
        if args.gateway.class_name is not None:
            made = CustomResource(
                f"{name}-gateway",
                api_version=GATEWAY_API,
                kind="Gateway",
                metadata=_metadata(args.namespace),
                spec=gateway_spec(args.gateway, args.hosts),
                opts=pulumi.ResourceOptions(parent=self, provider=args.provider),
            )
            parent = {**parent, "name": after(NAME, made)}
        CustomResource(
            f"{name}-route",
            api_version=GATEWAY_API,
            kind="HTTPRoute",
            metadata=_metadata(args.namespace),
            spec=route_spec(args.gateway, parent, args.hosts, args.products, args.optional),
            opts=child,
        )
        if args.gateway.class_name is not None and args.gateway.tls_secret is not None:
            CustomResource(
                f"{name}-redirect",
                api_version=GATEWAY_API,
                kind="HTTPRoute",
                metadata={**_metadata(args.namespace), "name": f"{NAME}-redirect"},
                spec=redirect_spec({**parent, "sectionName": "http"}, args.hosts),
                opts=child,
            )
        self.register_outputs({})


def _metadata(namespace: pulumi.Input[str]) -> dict[str, Any]:
    labels = {"app.kubernetes.io/part-of": "wandb", "app.kubernetes.io/managed-by": "pulumi"}
    return {"name": NAME, "namespace": namespace, "labels": labels}


def parent_reference(gateway: contracts.Gateway) -> dict[str, Any]:
    """The Gateway, as a route names it."""
    if gateway.class_name is not None:
        return {"name": NAME, "sectionName": "https" if gateway.tls_secret else "http"}
    found = {"name": gateway.name, "namespace": gateway.namespace, "sectionName": gateway.listener}
    return {key: value for key, value in found.items() if value is not None}


def gateway_spec(gateway: contracts.Gateway, hosts: Sequence[str]) -> dict[str, Any]:
    """`spec` of a Gateway that is made here: a listener for http, which redirects where there is one for https.

    Without a host name of its own a listener takes those of its routes; it is given one where there is just one.
    """
    host = {"hostname": hosts[0]} if len(hosts) == 1 else {}
    listeners: list[dict[str, Any]] = [{"name": "http", "port": 80, "protocol": "HTTP", **host}]
    if gateway.tls_secret:
        tls = {"mode": "Terminate", "certificateRefs": [{"name": gateway.tls_secret}]}
        listeners.append({"name": "https", "port": 443, "protocol": "HTTPS", **host, "tls": tls})
    return {"gatewayClassName": gateway.class_name, "listeners": listeners}


def route_spec(
    gateway: contracts.Gateway,
    parent: Mapping[str, Any],
    hosts: Sequence[str],
    products: Collection[str],
    optional: Collection[str] = (),
) -> dict[str, Any]:
    """`spec` of the HTTPRoute: the longest path wins by the API's own rules, as in an Ingress."""
    seconds = {"timeouts": {"request": f"{gateway.timeout_seconds}s"}}
    rules = [
        {
            "matches": [{"path": {"type": "PathPrefix", "value": each.path}}],
            "backendRefs": [{"name": each.service, "port": each.port}],
            **seconds,
        }
        for each in routes(products, optional)
    ]
    return {"parentRefs": [dict(parent)], "hostnames": list(hosts), "rules": rules}


def redirect_spec(parent: Mapping[str, Any], hosts: Sequence[str]) -> dict[str, Any]:
    """`spec` of the HTTPRoute that leads from http to https."""
    redirect = {"type": "RequestRedirect", "requestRedirect": {"scheme": "https", "statusCode": 301}}
    return {"parentRefs": [dict(parent)], "hostnames": list(hosts), "rules": [{"filters": [redirect]}]}
