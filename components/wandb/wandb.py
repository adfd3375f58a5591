"""W&B on a platform: operator, Secrets, installation, and the proof that it answers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

import pulumi
import pulumi_random
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.networking.v1 import NetworkPolicy

from .. import contracts
from ..fingerprint import fingerprint
from ..monitoring import Monitoring
from ..ordering import after
from . import monitoring
from .chart import ChartSource
from .chart_values import problems
from .instance import Instance, InstanceArgs
from .inventory import Product, checked, running
from .network import Access, NetworkArgs, policies
from .operator import Operator, OperatorArgs
from .option_values import proxy_environment
from .options import Options
from .secrets import chart_credentials, license_secret, weave_worker_auth
from .values import ComponentSizing, ValuesArgs, check, values
from .verification import Verification, VerificationArgs
from .way_in import GatewayRoute, GatewayRouteArgs

CHART_REPOSITORY = "https://charts.wandb.ai"


@dataclass(frozen=True, kw_only=True)
class Versions:
    """What is installed. The defaults belong together: raise them one at a time, and read what the chart changed."""

    operator_chart: str = "1.4.8"
    """Chart `operator`. Older ones lack rights that chart `operator-wandb` 0.43.6 and later hands on."""
    controller: str = "1.22.0"
    """Image tag of the operator: the newest of the line that serves `apps.wandb.com/v1` alone."""
    chart: str = "0.43.8"
    """Chart `operator-wandb`."""
    server: str = "0.82.2"
    """Image tag of all of W&B's own images."""


@dataclass(frozen=True, kw_only=True)
class WandBArgs:
    """W&B, and what it stands on.

    Raises ValueError, naming the argument, for what W&B's chart would take in silence and W&B would not work with.
    """

    cluster: contracts.Cluster
    namespaces: contracts.Namespaces
    mysql: contracts.MySQL
    redis: contracts.Redis
    bucket: contracts.Bucket
    ingress: contracts.Ingress
    identity: contracts.Identity = field(default_factory=contracts.Identity)
    """For the components that open the bucket."""
    clickhouse: contracts.ClickHouse | None = None
    """None: without Weave."""
    random_provider: pulumi_random.Provider

    url: str
    """`https://host`, where users find W&B. `http://` only where TLS ends nowhere."""
    license: pulumi.Input[str] | contracts.SecretKey
    """The licence itself (a secret), or the Secret in W&B's namespace that has it."""
    products: Collection[Product]
    size: str = "small"
    """Size preset of the chart."""
    components: Mapping[str, ComponentSizing] = field(default_factory=dict)
    """What differs from the preset, by the chart's name of the component."""

    options: Options = field(default_factory=Options)
    """Signing in, mail, certificates, proxies, where pods run, further values of the chart."""
    versions: Versions = field(default_factory=Versions)
    chart_repository: str = CHART_REPOSITORY
    """Where the operator fetches chart `operator-wandb`. It fetches it again to uninstall it, without a login, unless this is
    an `oci://` repository."""
    chart_login: contracts.RegistryLogin | str | None = None
    """For an `oci://` repository of charts: the user that the operator reads it as, or the Secret in W&B's namespace with
    HELM_USERNAME and HELM_PASSWORD. None: it asks for no login."""
    operator_chart_repository: str = CHART_REPOSITORY
    """Where Pulumi fetches chart `operator`."""
    controller_image: str = "wandb/controller"
    utility_image: str = "alpine/k8s:1.35.8"
    """An image with a POSIX shell, kubectl and curl, for the verification."""
    pull_secrets: Sequence[str] = ()
    """Secrets in the namespaces of W&B and of its operator by which the operator's image and the verification's are pulled;
    for W&B's own there is `options.image_pull_secrets`."""
    follow_release_channel: bool = False
    """True: chart and images are what W&B's release channel says on the day, and `versions.chart` and `versions.server`
    are not used."""
    access: Access | None = None
    """Limits the connections of W&B's pods, of its operator and of the stores in its namespace to those that they need. None: they
    are not limited."""
    monitoring: Monitoring | None = None
    """None: there are no alerts."""
    protect: bool = False
    """True: destroying the stack refuses to uninstall W&B."""
    ready_minutes: int = 30
    """How long the operator may take to apply the chart, and then W&B to answer. A new database is migrated in it."""
    delete_minutes: int = 20

    def __post_init__(self) -> None:
        check(
            url=self.url,
            products=self.products,
            size=self.size,
            components=self.components,
            clickhouse=self.clickhouse,
            bucket=self.bucket,
            options=self.options,
        )


class WandB(pulumi.ComponentResource):
    """W&B, answering: the component is up only when W&B's readiness endpoints have said so for what was just applied."""

    url: pulumi.Output[str]
    verified: pulumi.Output[bool]
    """True, for whoever must wait until W&B answers."""

    def __init__(self, name: str, args: WandBArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("wandb:wandb:WandB", name, {}, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)
        self._limit_connections()
        self._watch()
        operator = Operator(f"{name}-operator", self._operator(), self._child)
        chart = None if args.follow_release_channel else self._chart().spec()
        namespace = self._namespace()
        unmarked = self._values()
        if wrong := problems(values(unmarked), allow_unknown=args.options.allow_unknown_values):
            raise ValueError("values: " + " ".join(map(str, wrong)))
        document = pulumi.Output.json_dumps({"chart": chart, "values": values(unmarked)}, sort_keys=True)
        revision = document.apply(fingerprint)
        instance = Instance(
            f"{name}-instance",
            InstanceArgs(
                provider=args.cluster.provider,
                namespace=namespace,
                chart=chart,
                values=values(replace(unmarked, revision=revision)),
                operator=operator.release,
                protect=args.protect,
                ready_minutes=args.ready_minutes,
                delete_minutes=args.delete_minutes,
            ),
            self._child,
        )
        if args.ingress.gateway is not None:
            GatewayRoute(f"{name}-gateway", self._gateway_route(args.ingress.gateway, instance), self._child)
        verification = Verification(f"{name}-verification", self._verification(revision, instance), self._child)
        self.url = pulumi.Output.from_input(args.url)
        self.verified = after(True, verification.job)
        self.register_outputs({"url": self.url, "verified": self.verified})

    def _limit_connections(self) -> None:
        args = self._args
        if args.access is None:
            return
        asked = NetworkArgs(
            access=args.access,
            namespace=args.namespaces.wandb,
            operator_namespace=args.namespaces.operator,
            products=args.products,
            bucket=args.bucket,
            optional=args.options.optional_components,
        )
        for who, made in policies(asked).items():
            NetworkPolicy(f"{self._name}-{who}-access", metadata=made["metadata"], spec=made["spec"], opts=self._object)

    def _watch(self) -> None:
        args = self._args
        if args.monitoring is None or not args.monitoring.alerts:
            return
        made = monitoring.rules(
            monitoring.MonitoringArgs(
                monitoring=args.monitoring,
                namespace=args.namespaces.wandb,
                operator_namespace=args.namespaces.operator,
            )
        )
        CustomResource(
            f"{self._name}-alerts",
            api_version=made["apiVersion"],
            kind=made["kind"],
            metadata=made["metadata"],
            spec=made["spec"],
            opts=self._object,
        )

    def _chart(self) -> ChartSource:
        args = self._args
        return ChartSource(
            repository=args.chart_repository,
            name="operator-wandb",
            version=args.versions.chart,
            credentials=self._chart_credentials(),
        )

    def _chart_credentials(self) -> pulumi.Input[str] | None:
        args = self._args
        login = args.chart_login
        if not isinstance(login, contracts.RegistryLogin):
            return login
        return chart_credentials(self._name, login, args.namespaces.wandb, opts=self._object).name

    def _operator(self) -> OperatorArgs:
        args = self._args
        return OperatorArgs(
            provider=args.cluster.provider,
            namespace=args.namespaces.operator,
            chart=ChartSource(
                repository=args.operator_chart_repository, name="operator", version=args.versions.operator_chart
            ),
            image=args.controller_image,
            tag=args.versions.controller,
            follow_release_channel=args.follow_release_channel,
            env=proxy_environment(args.options.proxy, running(args.products, args.options.optional_components)),
            pull_secrets=args.pull_secrets,
        )

    @property
    def _object(self) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, provider=self._args.cluster.provider)

    def _namespace(self) -> pulumi.Input[str]:
        """W&B's namespace, once everything is in it that W&B looks for and its values do not name."""
        args = self._args
        if "weave" not in args.products:
            return args.namespaces.wandb
        token = weave_worker_auth(
            self._name,
            args.random_provider,
            args.namespaces.wandb,
            revision=args.options.weave_token_revision,
            parent=self,
            opts=self._object,
        )
        return pulumi.Output.all(args.namespaces.wandb, token.name).apply(lambda known: known[0])

    def _values(self) -> ValuesArgs:
        args = self._args
        license_, license_fingerprint = license_secret(
            self._name, args.license, args.namespaces.wandb, opts=self._object
        )
        return ValuesArgs(
            url=args.url,
            products=checked(args.products),
            size=args.size,
            license=license_,
            mysql=args.mysql,
            redis=args.redis,
            bucket=args.bucket,
            clickhouse=args.clickhouse,
            ingress=args.ingress,
            identity=args.identity,
            namespace=args.namespaces.wandb,
            service_account_issuer=args.cluster.service_account_issuer,
            components=args.components,
            image_tag=None if args.follow_release_channel else args.versions.server,
            license_fingerprint=license_fingerprint,
            spot_pool=args.cluster.spot_pool,
            storage_class=args.cluster.storage_class,
            options=args.options,
        )

    def _gateway_route(self, gateway: contracts.Gateway, instance: Instance) -> GatewayRouteArgs:
        args = self._args
        return GatewayRouteArgs(
            provider=args.cluster.provider,
            namespace=args.namespaces.wandb,
            gateway=gateway,
            hosts=[str(urlsplit(args.url).hostname), *args.options.additional_hosts],
            products=frozenset(args.products),
            optional=args.options.optional_components,
            instance=instance.resource,
        )

    def _verification(self, revision: pulumi.Output[str], instance: Instance) -> VerificationArgs:
        args = self._args
        return VerificationArgs(
            provider=args.cluster.provider,
            namespace=args.namespaces.wandb,
            operator_namespace=args.namespaces.operator,
            image=args.utility_image,
            components=running(args.products, args.options.optional_components),
            revision=revision,
            instance=instance.resource,
            ready_minutes=args.ready_minutes,
            pull_secrets=args.pull_secrets,
        )
