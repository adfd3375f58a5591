"""W&B's server in one container, for clusters that allow no operator.

Models alone, one pod, no second one beside it: while it is replaced W&B is away. W&B's own way to run W&B is its operator,
which `wandb.py` installs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pulumi
from pulumi_kubernetes.apps.v1 import Deployment
from pulumi_kubernetes.core.v1 import ConfigMap, PersistentVolumeClaim, Service
from pulumi_kubernetes.networking.v1 import Ingress

from .. import contracts
from ..fingerprint import fingerprint
from ..ordering import after
from ..task import CONTAINER_SECURITY, pod_security
from .container import DATA, GROUP, PORT, RESOURCES, USER, ServerArgs, Value, environment
from .inventory import NAME
from .options import Options
from .secrets import license_secret
from .values import LICENSE_ANNOTATION, PASSWORD_ANNOTATION

if TYPE_CHECKING:
    from pulumi_kubernetes.core.v1 import (
        ContainerArgsDict,
        EnvVarArgsDict,
        PodSpecArgsDict,
        VolumeArgsDict,
        VolumeMountArgsDict,
    )
    from pulumi_kubernetes.meta.v1 import ObjectMetaArgsDict
    from pulumi_kubernetes.networking.v1 import HTTPIngressPathArgsDict, IngressRuleArgsDict, IngressTLSArgsDict

_AUTHORITIES = "/usr/local/share/ca-certificates"
"""Where the image looks for further authorities as it starts."""
_CERTIFICATES = "wandb-authorities"


@dataclass(frozen=True, kw_only=True)
class SingleContainerArgs:
    """One server, and what it stands on. Raises ValueError, naming the argument, for what one container cannot do."""

    cluster: contracts.Cluster
    namespaces: contracts.Namespaces
    mysql: contracts.MySQL
    redis: contracts.Redis
    bucket: contracts.Bucket
    ingress: contracts.Ingress
    url: str
    """`https://host`, where users find W&B."""
    license: pulumi.Input[str] | contracts.SecretKey
    """The licence itself (a secret), or the Secret in W&B's namespace that has it."""
    image: str = "wandb/local:0.82.2"
    resources: contracts.Resources = RESOURCES
    volume_gib: int = 20
    """For what the server keeps beside its stores."""
    options: Options = field(default_factory=Options)
    protect: bool = False
    """True: destroying the stack refuses to delete the volume."""
    ready_minutes: int = 30
    """How long the server may take to answer. A new database is migrated in it."""

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path:
            raise ValueError(f"url: {self.url!r} is not of the form https://host")
        if self.volume_gib < 1:
            raise ValueError(f"volume_gib: {self.volume_gib} given; 1 or more wanted")
        self.server(contracts.SecretKey(name="license", key="license"))

    def server(self, license: contracts.SecretKey) -> ServerArgs:
        """What the server is told, with the licence in that Secret."""
        return ServerArgs(
            url=self.url,
            license=license,
            mysql=self.mysql,
            redis=self.redis,
            bucket=self.bucket,
            options=self.options,
        )


class SingleContainer(pulumi.ComponentResource):
    """W&B's server as one Deployment behind a Service and an Ingress: up when its pod says that it is ready."""

    url: pulumi.Output[str]
    verified: pulumi.Output[bool]
    """True, for whoever must wait until W&B answers."""

    def __init__(self, name: str, args: SingleContainerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("wandb:wandb:SingleContainer", name, {}, opts)
        self._name, self._args = name, args
        self._object = pulumi.ResourceOptions(parent=self, provider=args.cluster.provider)
        license_, mark = license_secret(name, args.license, args.namespaces.wandb, opts=self._object)
        volumes, mounts = self._volumes()
        variables = [_variable(*each) for each in environment(args.server(license_)).items()]
        deployment = self._deployment(self._pod(variables, volumes, mounts), self._marks(mark))
        self._service()
        if args.ingress.class_name is not None:
            self._ingress()
        self.url = pulumi.Output.from_input(args.url)
        self.verified = after(True, deployment)
        self.register_outputs({"url": self.url, "verified": self.verified})

    @property
    def _labels(self) -> dict[str, str]:
        return {"app.kubernetes.io/name": NAME, "app.kubernetes.io/component": "server"}

    def _metadata(self, name: str = NAME) -> ObjectMetaArgsDict:
        owned = {"app.kubernetes.io/part-of": "wandb", "app.kubernetes.io/managed-by": "pulumi"}
        return {"name": name, "namespace": self._args.namespaces.wandb, "labels": self._labels | owned}

    def _marks(self, license_mark: pulumi.Input[str] | None) -> dict[str, pulumi.Input[str]]:
        """Annotations that change with what the pod read as it started, so that it starts anew."""
        args = self._args
        marks: dict[str, pulumi.Input[str]] = {} if license_mark is None else {LICENSE_ANNOTATION: license_mark}
        passwords = {"mysql": args.mysql.password, "redis": args.redis.password, **args.options.passwords}
        for store, password in passwords.items():
            if password and password.version is not None:
                marks[PASSWORD_ANNOTATION.format(store=store)] = password.version
        if args.options.ca_certificates:
            marks["wandb.pulumi/authorities"] = fingerprint("".join(args.options.ca_certificates))
        return marks

    def _volumes(self) -> tuple[list[VolumeArgsDict], list[VolumeMountArgsDict]]:
        args, options = self._args, self._args.options
        claim = PersistentVolumeClaim(
            f"{self._name}-data",
            metadata={
                **self._metadata(f"{NAME}-data"),
                # it is bound when the pod comes, which waits for it: nobody may wait here before
                "annotations": {"pulumi.com/skipAwait": "true"},
            },
            spec={
                "access_modes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": f"{args.volume_gib}Gi"}},
                "storage_class_name": args.cluster.storage_class,
            },
            opts=pulumi.ResourceOptions.merge(self._object, pulumi.ResourceOptions(protect=args.protect)),
        )
        volumes: list[VolumeArgsDict] = [
            {"name": "data", "persistent_volume_claim": {"claim_name": after(f"{NAME}-data", claim)}}
        ]
        mounts: list[VolumeMountArgsDict] = [{"name": "data", "mount_path": DATA}]
        if options.ca_certificates:
            content = {f"authority-{number}.crt": text for number, text in enumerate(options.ca_certificates)}
            made = ConfigMap(
                f"{self._name}-authorities", metadata=self._metadata(_CERTIFICATES), data=content, opts=self._object
            )
            volumes.append({"name": "authorities", "config_map": {"name": after(_CERTIFICATES, made)}})
            mounts.append({"name": "authorities", "mount_path": f"{_AUTHORITIES}/inline", "read_only": True})
        if options.ca_config_map:
            volumes.append({"name": "brought-authorities", "config_map": {"name": options.ca_config_map}})
            mounts.append({"name": "brought-authorities", "mount_path": f"{_AUTHORITIES}/brought", "read_only": True})
        return volumes, mounts

    def _pod(
        self, variables: list[EnvVarArgsDict], volumes: list[VolumeArgsDict], mounts: list[VolumeMountArgsDict]
    ) -> PodSpecArgsDict:
        args, placing = self._args, self._args.options.placing
        registry = args.options.image_registry
        ready, alive = ({"http_get": {"path": path, "port": PORT}} for path in ("/ready", "/healthz"))
        container: ContainerArgsDict = {
            "name": NAME,
            "image": f"{registry}/{args.image}" if registry else args.image,
            "env": variables,
            "ports": [{"name": "http", "container_port": PORT}],
            "resources": args.resources.manifest(),
            "security_context": CONTAINER_SECURITY,
            # ten seconds between looks: a new database is migrated before the first answer
            "startup_probe": {**ready, "period_seconds": 10, "failure_threshold": args.ready_minutes * 6},
            "readiness_probe": {**ready, "period_seconds": 10, "timeout_seconds": 5},
            "liveness_probe": {**alive, "period_seconds": 10, "timeout_seconds": 5, "failure_threshold": 6},
            "volume_mounts": mounts,
        }
        security = pod_security(placing.run_as_user or USER)
        security["run_as_group"] = GROUP
        security["fs_group"] = GROUP if args.options.fs_group is None else args.options.fs_group
        tolerations: list[Any] = [dict(each) for each in placing.tolerations]
        return {
            "automount_service_account_token": False,
            "termination_grace_period_seconds": 60,
            "security_context": security,
            "containers": [container],
            "volumes": volumes,
            "node_selector": dict(placing.node_selector),
            "tolerations": tolerations,
            "priority_class_name": placing.priority_class,
            "image_pull_secrets": [{"name": each} for each in args.options.image_pull_secrets],
        }

    def _deployment(self, pod: PodSpecArgsDict, marks: dict[str, pulumi.Input[str]]) -> Deployment:
        minutes = f"{self._args.ready_minutes + 5}m"
        timeouts = pulumi.CustomTimeouts(create=minutes, update=minutes)
        return Deployment(
            f"{self._name}-server",
            metadata=self._metadata(),
            spec={
                "replicas": 1,
                # the volume is one pod's, and so is the migration of the database
                "strategy": {"type": "Recreate"},
                "progress_deadline_seconds": self._args.ready_minutes * 60,
                "selector": {"match_labels": self._labels},
                "template": {"metadata": {"labels": self._labels, "annotations": marks}, "spec": pod},
            },
            opts=pulumi.ResourceOptions.merge(self._object, pulumi.ResourceOptions(custom_timeouts=timeouts)),
        )

    def _service(self) -> Service:
        return Service(
            f"{self._name}-service",
            metadata=self._metadata(),
            spec={
                "selector": self._labels,
                "ports": [{"name": "http", "port": 80, "target_port": PORT}],
            },
            opts=self._object,
        )

    def _ingress(self) -> Ingress:
        ingress = self._args.ingress
        hosts = [urlsplit(self._args.url).hostname or "", *self._args.options.additional_hosts]
        paths: list[HTTPIngressPathArgsDict] = [
            {
                "path": "/",
                "path_type": "Prefix",
                "backend": {"service": {"name": NAME, "port": {"number": 80}}},
            }
        ]
        tls: list[IngressTLSArgsDict] = []
        if ingress.tls_secret or ingress.default_certificate:
            tls = [{"secret_name": ingress.tls_secret, "hosts": hosts} if ingress.tls_secret else {"hosts": hosts}]
        rules: list[IngressRuleArgsDict] = [{"host": host, "http": {"paths": paths}} for host in hosts]
        return Ingress(
            f"{self._name}-ingress",
            metadata={
                **self._metadata(),
                # whether a controller has seen it is not this stack's to wait for, as with the chart's own Ingress
                "annotations": {**ingress.annotations, "pulumi.com/skipAwait": "true"},
            },
            spec={
                "ingress_class_name": ingress.class_name,
                "rules": rules,
                "tls": tls,
            },
            opts=self._object,
        )


def _variable(name: str, value: Value) -> EnvVarArgsDict:
    if isinstance(value, contracts.SecretKey):
        return {"name": name, "value_from": {"secret_key_ref": {"name": value.name, "key": value.key}}}
    return {"name": name, "value": value}
