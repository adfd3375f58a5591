"""The values of W&B's chart that options ask for: pure functions.

Where the chart has a value for all components it is used; for topology spread and user ids it has none, and each component
gets its own. Node selectors, tolerations and priority classes of a component take the place of the global ones in the
chart, and so they do here.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from typing import Any

from .. import contracts
from .inventory import Component
from .options import ComponentOptions, Kafka, Options, Placing, Proxy

CLUSTER_OWN = (
    "localhost",
    "127.0.0.1",
    "$(KUBERNETES_SERVICE_HOST)",
    ".svc",
    ".cluster.local",
    "169.254.169.254",
    "169.254.170.23",
    "metadata.google.internal",
)
"""Never by a proxy: the pod itself, the cluster's API, Services, and where clouds hand out identities (EKS's the second)."""


def direct_hosts(proxy: Proxy, components: Collection[Component]) -> str:
    """Hosts that are reached without the proxy: W&B's own Services are also called by their bare names."""
    return ",".join(dict.fromkeys((*CLUSTER_OWN, *(each.service_account for each in components), *proxy.direct)))


def proxy_environment(proxy: Proxy | None, components: Collection[Component]) -> dict[str, str]:
    """The variables by which a process finds the proxy; some programs read only the lower-case ones."""
    if proxy is None:
        return {}
    found = {"HTTP_PROXY": proxy.http, "HTTPS_PROXY": proxy.https, "NO_PROXY": direct_hosts(proxy, components)}
    upper = {name: value for name, value in found.items() if value}
    return upper | {name.lower(): value for name, value in upper.items()}


def merge_options(tree: dict[str, Any], options: Options, on: Collection[Component]) -> dict[str, Any]:
    """`tree`, which is changed, with what `options` ask for; `extra_values` last."""
    block = tree["global"]
    _access(block, options)
    environment = {
        **proxy_environment(options.proxy, on),
        **_kafka(block, options.kafka),
        **_slack(block, options),
        **_variables(options.env, options.env_secrets),
    }
    if environment:
        block["env"] = block.get("env", {}) | environment
    _placing(block, options.placing)
    if options.image_registry:
        block["repositoryPrefix"] = options.image_registry
    if options.image_pull_secrets:
        block["imagePullSecrets"] = list(options.image_pull_secrets)
    if options.additional_hosts and "class" in tree["ingress"]:
        tree["ingress"]["additionalHosts"] = list(options.additional_hosts)
    for component in on:
        _component(tree[component.name], options, options.components.get(component.name, ComponentOptions()))
    return merged(tree, options.extra_values)


def merged(tree: dict[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`tree` under `over`: sections key by key, anything else as a whole. Neither is changed."""
    result = dict(tree)
    for key, value in over.items():
        below = result.get(key)
        both = isinstance(value, Mapping) and isinstance(below, dict)
        result[key] = merged(below, value) if both else copy.deepcopy(value)
    return result


def _access(block: dict[str, Any], options: Options) -> None:
    """Signing in, mail, and whom W&B trusts."""
    auth: dict[str, Any] = {}
    if options.session_hours is not None:
        auth["sessionLengthHours"] = options.session_hours
    if oidc := options.oidc:
        secret = {"name": oidc.secret.name, "secretKey": oidc.secret.key} if oidc.secret else None
        provider = {"issuer": oidc.issuer, "clientId": oidc.client_id, "authMethod": oidc.method}
        auth["oidc"] = provider | ({"oidcSecret": secret} if secret else {})
    if auth:
        block["auth"] = auth
    if smtp := options.smtp:
        server = {"host": smtp.host, "port": smtp.port, "user": smtp.user, "password": reference(smtp.password)}
        block["email"] = {"smtp": server | ({"mailFrom": smtp.sender} if smtp.sender else {})}
    if options.ca_certificates:
        block["customCACerts"] = list(options.ca_certificates)
    if options.ca_config_map:
        block["caCertsConfigMap"] = options.ca_config_map


def _slack(block: dict[str, Any], options: Options) -> dict[str, Any]:
    """The chart takes the secret in clear text alone; variables of containers win over what it makes of that."""
    if options.slack is None:
        return {}
    block["slack"] = {"clientId": options.slack.client_id}
    return {name: reference(options.slack.secret) for name in ("GORILLA_SLACK_SECRET", "SLACK_SECRET")}


def _kafka(block: dict[str, Any], kafka: Kafka | None) -> dict[str, Any]:
    """The chart takes the user of a Kafka only where it installs one, and leaves user and password out for bufstream."""
    if kafka is None:
        return {}
    broker = {"brokerHost": kafka.host, "brokerPort": kafka.port}
    if kafka.user is None or kafka.password is None:
        block["kafka"], block["bufstream"] = broker, {"enabled": True}
        return {}
    block["kafka"] = {**broker, "passwordSecret": {"name": kafka.password.name, "passwordKey": kafka.password.key}}
    return {"KAFKA_CLIENT_USER": kafka.user}


def _placing(block: dict[str, Any], placing: Placing) -> None:
    if placing.node_selector:
        block["nodeSelector"] = dict(placing.node_selector)
    if placing.tolerations:
        block["tolerations"] = [dict(each) for each in placing.tolerations]
    if placing.priority_class:
        block["priorityClassName"] = placing.priority_class


def _component(block: dict[str, Any], options: Options, own: ComponentOptions) -> None:
    if variables := _variables(own.env, own.env_secrets):
        block["env"] = block.get("env", {}) | variables
    there = block.get("tolerations", [])
    _placing(block, own.placing)
    if there:
        # the component's are used in place of the global ones, so what it tolerates by itself brings those along
        wanted = own.placing.tolerations or options.placing.tolerations
        block["tolerations"] = [*there, *(dict(each) for each in wanted)]
    if spread := own.placing.topology_spread or options.placing.topology_spread:
        block["topologySpreadConstraints"] = [
            {"maxSkew": 1, "topologyKey": key, "whenUnsatisfiable": otherwise} for key, otherwise in spread.items()
        ]
    user = own.placing.run_as_user if own.placing.run_as_user is not None else options.placing.run_as_user
    security = {"runAsUser": user, "fsGroup": options.fs_group}
    if given := {key: value for key, value in security.items() if value is not None}:
        block["podSecurityContext"] = given


def _variables(plain: Mapping[str, str], secrets: Mapping[str, contracts.SecretKey]) -> dict[str, Any]:
    return {**plain, **{name: reference(secret) for name, secret in secrets.items()}}


def reference(secret: contracts.SecretKey) -> dict[str, Any]:
    """A variable of a container that is read from a Secret."""
    return {"valueFrom": {"secretKeyRef": {"name": secret.name, "key": secret.key}}}
