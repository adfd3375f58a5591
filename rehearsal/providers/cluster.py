"""The provider's settings and its connection to the cluster, found as the real provider finds them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass

from rehearsal.api import DEFAULT_NAMESPACE, Api, ApiError, load_kubeconfig
from rehearsal.providers.base import Refused


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of a kubernetes.Provider that the stand-in heeds. Names are those of its inputs."""

    kubeconfig: str = ""
    context: str = ""
    cluster: str = ""
    namespace: str = ""
    upsert_existing_objects: bool = False
    enable_patch_force: bool = False
    enable_config_map_mutable: bool = False
    enable_secret_mutable: bool = False
    delete_unreachable: bool = False
    skip_update_unreachable: bool = False

    @classmethod
    def from_variables(cls, variables: Mapping[str, str]) -> Settings:
        """From the engine's settings; switches may also come from the environment, as with the real provider.

        Raises Refused for settings that the stand-in does not imitate.
        """
        unheeded = [key for key in ("renderYamlToDirectory",) if variables.get(key)]
        if variables.get("enableServerSideApply") == "false":
            unheeded.append("enableServerSideApply=false")
        if unheeded:
            raise Refused(f"the rehearsal's stand-in for the kubernetes provider does not know {', '.join(unheeded)}")

        def switch(key: str, variable: str) -> bool:
            return variables.get(key, os.environ.get(variable, "")) == "true"

        return cls(
            kubeconfig=variables.get("kubeconfig", ""),
            context=variables.get("context", ""),
            cluster=variables.get("cluster", ""),
            namespace=variables.get("namespace", ""),
            upsert_existing_objects=switch("upsertExistingObjects", "PULUMI_K8S_UPSERT_EXISTING_OBJECTS"),
            enable_patch_force=switch("enablePatchForce", "PULUMI_K8S_ENABLE_PATCH_FORCE"),
            enable_config_map_mutable=switch("enableConfigMapMutable", "PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE"),
            enable_secret_mutable=switch("enableSecretMutable", "PULUMI_K8S_ENABLE_SECRET_MUTABLE"),
            delete_unreachable=switch("deleteUnreachable", "PULUMI_K8S_DELETE_UNREACHABLE"),
            skip_update_unreachable=switch("skipUpdateUnreachable", "PULUMI_K8S_SKIP_UPDATE_UNREACHABLE"),
        )


class Unreachable(Refused):
    """There is no cluster to talk to; the text is the real provider's."""


class Cluster:
    """The cluster, or the reason why there is none: only what really needs it fails."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._api: Api | None = None
        self.why_not = ""
        self.default_namespace = settings.namespace or DEFAULT_NAMESPACE
        self._connect()

    def _connect(self) -> None:
        try:
            config = load_kubeconfig(self.settings.kubeconfig or None)
        except (ValueError, OSError) as error:
            where = "`kubernetes:config:kubeconfig`"
            self.why_not = (
                f"failed to parse kubeconfig data in {where}- {error}"
                if self.settings.kubeconfig
                else _no_client(str(error))
            )
            return
        if self.settings.cluster:
            config = _on_cluster(config, self.settings)
        try:
            api = Api.from_kubeconfig(config, self.settings.context or None)
        except ValueError as error:
            self.why_not = _no_client(str(error))
            return
        self.default_namespace = self.settings.namespace or api.namespace or DEFAULT_NAMESPACE
        try:
            api.call("GET", "/version")
        except ApiError as error:
            self.why_not = f"unable to load schema information from the API server: {error}"
        else:
            self._api = api

    @property
    def reachable(self) -> bool:
        """Whether the API server answered when the provider was configured."""
        return self._api is not None

    @property
    def api(self) -> Api:
        """The client. Raises Unreachable."""
        if self._api is None:
            raise Unreachable(f"configured Kubernetes cluster is unreachable: {self.why_not}")
        return self._api

    def namespaced(self, api_version: str, kind: str) -> bool:
        """Whether objects of the kind live in namespaces; a kind that nobody serves yet is taken to."""
        try:
            return self._api.resource(api_version, kind).namespaced if self._api else True
        except ApiError:
            return True

    def serves(self, api_version: str, kind: str) -> bool:
        """Whether the cluster knows the kind."""
        try:
            return self._api is not None and bool(self._api.resource(api_version, kind))
        except ApiError:
            return False


def active_cluster(kubeconfig: str, context: str, cluster: str) -> object | None:
    """The settings of the cluster that a kubeconfig points at, to tell whether it is another one; None when unclear."""
    try:
        config = load_kubeconfig(kubeconfig or None)
    except (ValueError, OSError):
        return None
    wanted = context or config.get("current-context")
    entry = next((item for item in config.get("contexts") or () if item["name"] == wanted), {})
    name = cluster or (entry.get("context") or {}).get("cluster")
    return next((item.get("cluster") for item in config["clusters"] if item["name"] == name), None)


def as_text(kubeconfig: object) -> str:
    """A kubeconfig setting, which may be text or an object, as text."""
    if kubeconfig is None:
        return ""
    return kubeconfig if isinstance(kubeconfig, str) else json.dumps(kubeconfig)


def _no_client(why: str) -> str:
    return (
        "unable to load Kubernetes client configuration from kubeconfig file. Make sure you have: \n\n"
        " \t • set up the provider as per "
        f"https://www.pulumi.com/registry/packages/kubernetes/installation-configuration/ \n\n {why}"
    )


def _on_cluster(config: dict, settings: Settings) -> dict:
    wanted = settings.context or config.get("current-context")
    contexts = [
        {**item, "context": {**item["context"], "cluster": settings.cluster}} if item["name"] == wanted else item
        for item in config.get("contexts") or ()
    ]
    return {**config, "contexts": contexts}
