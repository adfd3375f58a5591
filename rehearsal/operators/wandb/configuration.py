"""The ConfigMaps and Secrets of the chart, and the binding that opens the issuer's keys.

Source: `templates/*.yaml` of `operator-wandb` 0.43.8, reduced to names that pods refer to and values worth looking at.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from . import environment

Object = dict[str, Any]


def objects(
    values: Mapping[str, Any], release: str, namespace: str, held: Callable[[str], Mapping[str, str] | None]
) -> Iterator[Object]:
    """All of them. `held` gives the (encoded) data of a Secret that is there, which generated values are kept from."""
    config = values["global"]
    labels = {key: str(value)[:63] for key, value in (config["common"]["labels"] or {}).items()}
    for name, data in _config_maps(values, release, namespace).items():
        yield _config_map(f"{release}-{name}", data, labels)
    yield from _secrets(config, release, labels, held)
    if values["app"].get("internalJWTMap"):
        group = "rbac.authorization.k8s.io"
        yield {
            "apiVersion": f"{group}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": f"{release}-oidc-reviewer", "labels": dict(labels)},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "system:service-account-issuer-discovery"},
            "subjects": [{"kind": "Group", "name": "system:unauthenticated", "apiGroup": group}],
        }


def _config_maps(values: Mapping[str, Any], release: str, namespace: str) -> Mapping[str, Mapping[str, str]]:
    config = values["global"]
    certificates: dict[str, str] = {
        f"customCA{index}.crt": pem for index, pem in enumerate(config["customCACerts"] or ())
    }
    return {
        "global-configmap": {
            "GORILLA_LICENSE_CERT_PATH": config["licenseCertPath"],
            "GORILLA_TSHIRT_SIZE": config["size"],
            "GORILLA_ONPREM": "true",
            "ONPREM": "true",
        },
        "ca-certs": certificates,
        **_stores(values, release, namespace),
        **_servers(values, release, namespace),
        **_frontends(values, release, namespace),
        **_pipelines(config),
        **_weave(values, release, namespace),
    }


def _stores(values: Mapping[str, Any], release: str, namespace: str) -> dict[str, Mapping[str, str]]:
    config = values["global"]
    bucket = environment.bucket(config)
    return {
        "bucket-configmap": {
            "BUCKET_NAME": str(bucket.get("name") or ""),
            "BUCKET_PATH": str(bucket.get("path") or ""),
            "AWS_REGION": str(bucket.get("region") or ""),
            "AWS_S3_KMS_ID": str(bucket.get("kmsKey") or ""),
            "GORILLA_DEFAULT_REGION": "minio-local",
        },
        "redis-configmap": {
            "REDIS_HOST": config["redis"]["host"] or f"{release}-redis-master",
            "REDIS_PORT": str(config["redis"]["port"]).partition("?")[0],
            "REDIS_PARAMS": environment.redis_parameters(config),
        },
        "kafka-configmap": {
            **_broker(values, namespace),
            "KAFKA_CLIENT_USER": "",
        },
    }


def _servers(values: Mapping[str, Any], release: str, namespace: str) -> dict[str, Mapping[str, str]]:
    config = values["global"]
    session = f"{config['auth']['sessionLengthHours']}h"
    return {
        "api-configmap": _api(values, release, namespace) | {"GORILLA_SESSION_LENGTH": session},
        "app-configmap": {
            "WEAVE_SERVICE": f"{release}-weave:9994",
            "PARQUET_HOST": f"http://{release}-parquet:8087",
            "OPERATOR_ENABLED": "true",
        },
        "local-configmap": {"GLUE_ENABLED": str(not config["glue"]["enabled"]).lower(), "HOST": config["host"]},
        "executor-configmap": {"GORILLA_USE_PARQUET_HISTORY_STORE": "true"},
        "glue-configmap": {
            "GORILLA_GLUE_CONTAINER_PORT": "8080",
            "GORILLA_GLUE_FRONTEND_HOST": config["host"],
            "GORILLA_GLUE_SESSION_LENGTH": session,
            "GORILLA_GLUE_ARTIFACT_GC_ENABLED": "false",
            "GORILLA_GLUE_FILE_STORE_IS_PROXIED": "false",
            **_leader_election(values, namespace),
        },
    }


def _frontends(values: Mapping[str, Any], release: str, namespace: str) -> dict[str, Mapping[str, str]]:
    config = values["global"]
    console = (values.get("console") or {}).get("env") or {}
    proxy = (values.get("console") or {}).get("proxy") or {}
    proxies = {"HTTP_PROXY": "httpProxy", "HTTPS_PROXY": "httpsProxy", "NO_PROXY": "noProxy"}
    return {
        "console-configmap": {
            "BUCKET_ACCESS_IDENTITY": str(console.get("BUCKET_ACCESS_IDENTITY", "unknown")),
            "AUTH_SERVICE": f"{release}-app:8080",
            "OPERATOR_NAMESPACE": config["operator"]["namespace"],
            "RELEASE_NAME": release,
            "RELEASE_NAMESPACE": namespace,
            **{name: proxy[key] for name, key in proxies.items() if proxy.get(key)},
        },
        "frontend-configmap": {
            "FRONTEND_APP_BACKEND": f"{release}-app:8080",
            "FRONTEND_AUTH_BACKEND": f"{release}-app:8080",
            "FRONTEND_LOCAL_BACKEND": f"{release}-app:8083",
            "FRONTEND_WEAVE_BACKEND": f"{release}-weave:9994",
            "REACT_APP_HOST": config["host"],
            "WEAVE_TRACES_ENABLED": str(config["weave-trace"]["enabled"]).lower(),
            "OPERATOR_ENABLED": "true",
        },
        "frontend-patch-env-js": {"02_patch_env_js.sh": "#!/bin/bash\n"},
    }


def _pipelines(config: Mapping[str, Any]) -> dict[str, Mapping[str, str]]:
    host = {"GORILLA_FILE_HOST": config["host"]}
    return {
        "parquet-configmap": {"GORILLA_PARQUET_PORT": "8087", "GORILLA_PARQUET_GRPC_PORT": "8088"},
        "parquet-metadata-cache-configmap": {"GORILLA_PARQUET_METADATA_CACHE_PORT": "9091"},
        "flat-run-fields-updater-configmap": host,
        "history-updater-configmap": host,
        "filestream-configmap": {},
        "anaconda2-configmap": {},
    }


def _broker(values: Mapping[str, Any], namespace: str) -> dict[str, str]:
    bundled = f"bufstream.{namespace}.svc.cluster.local"
    kafka, installed = values["global"]["kafka"], (values.get("bufstream") or {}).get("install")
    host = kafka["brokerHost"] or (bundled if installed else "bufstream.bufstream.svc.cluster.local")
    return {"KAFKA_BROKER_HOST": host, "KAFKA_BROKER_PORT": str(kafka["brokerPort"])}


def _weave(values: Mapping[str, Any], release: str, namespace: str) -> dict[str, Mapping[str, str]]:
    config = values["global"]
    workers = {
        "WEAVE_ENABLE_ONLINE_EVAL": "weave-trace-worker",
        "WEAVE_ENABLE_EVALUATE_MODEL_WORKER": "weave-evaluate-model-worker",
        "WEAVE_ENABLE_AGENT_SCORING": "weave-trace-agent-scoring-worker",
    }
    backend = f"http://{release}-api:8081/" if config["api"]["enabled"] else f"http://{release}-app:8080/"
    return {
        "weave-configmap": {"PORT": "9994", "WANDB_BASE_URL": backend, "GORILLA_ONPREM": "true"},
        "weave-trace-configmap": {
            "PORT": "8080",
            "API_PATH_PREFIX": "/traces",
            "WANDB_BASE_URL": backend,
            "WANDB_PUBLIC_BASE_URL": config["host"],
            "WF_TRACE_SERVER_URL": f"{config['host']}/traces",
            "WANDB_INTERNAL_SERVICE_TOKEN_SECRET_NAME": "weave-worker-auth",
            **{name: str(bool((values.get(worker) or {}).get("install"))).lower() for name, worker in workers.items()},
            **_broker(values, namespace),
            "WEAVE_REDIS_URL": environment.redis_url(config),
        },
    }


def _api(values: Mapping[str, Any], release: str, namespace: str) -> dict[str, str]:
    config = values["global"]
    data = {
        "GORILLA_PORT": "8081",
        "GORILLA_FILE_HOST": config["host"],
        "GORILLA_FRONTEND_HOST": config["host"],
        "GORILLA_LICENSE_CERT_PATH": "/jwks.json",
        "GORILLA_LOCAL_SERVICE_BYPASS": str(config["localService"]["bypass"]).lower(),
    }
    oidc = config["auth"]["oidc"]
    origins: list[str] = list(values["app"].get("extraCors") or ())
    if oidc["clientId"]:
        data |= {
            "GORILLA_OIDC_CLIENT_ID": oidc["clientId"],
            "GORILLA_OIDC_ISSUER": oidc["issuer"],
            "GORILLA_AUTH_METHOD": oidc["authMethod"],
        }
        origins += [config["host"], "null"]
    if origins:
        data["GORILLA_CORS_ORIGINS"] = ",".join(origins)
    if config["weave-trace"]["enabled"]:
        trusted = {}
        for entry in values["app"].get("internalJWTMap") or ():
            if entry.get("subject") and entry.get("issuer"):
                subject = entry["subject"].replace("{{ .Release.Namespace }}", namespace)
                trusted[subject.replace("{{ .Release.Name }}", release)] = entry["issuer"]
        data["GORILLA_INTERNAL_JWT_SUBJECTS_TO_ISSUERS"] = json.dumps(trusted)
        data["GORILLA_WEAVE_TRACE_SERVER_URL"] = f"{config['host']}/traces"
    return data


def _leader_election(values: Mapping[str, Any], namespace: str) -> Mapping[str, str]:
    election = ((values.get("glue") or {}).get("leaderElection")) or {}
    if not election.get("enabled"):
        return {}
    return {
        "GORILLA_GLUE_LEADER_ELECTION_ENABLED": "true",
        "GORILLA_GLUE_LEADER_ELECTION_LEASE_NAME": election.get("leaseName") or "gorilla-glue-leader",
        "GORILLA_GLUE_LEADER_ELECTION_NAMESPACE": namespace,
    }


def _secrets(
    config: Mapping[str, Any], release: str, labels: Mapping[str, str], held: Callable[[str], Mapping[str, str] | None]
) -> Iterator[Object]:
    yield from _kept_secrets(config, release, labels, held)
    statsig, slack, smtp, oidc = config["statsig"], config["slack"], config["email"]["smtp"], config["auth"]["oidc"]
    content: dict[str, Mapping[str, Any]] = {
        "global-secret": {
            "GORILLA_STATSIG_KEY": statsig["apiKey"],
            "GORILLA_SLACK_CLIENT_ID": slack["clientId"],
            "GORILLA_SLACK_SECRET": slack["secret"],
            "SLACK_CLIENT_ID": slack["clientId"],
            "SLACK_SECRET": slack["secret"],
        }
    }
    if not config["redis"]["secret"]["secretName"]:
        redis = config["redis"]
        content["redis-secret"] = {"REDIS_PASSWORD": redis["password"], "REDIS_CA_CERT": redis["caCert"]}
    if not config["bucket"]["secret"]["secretName"]:
        chosen, keys = environment.bucket(config), config["bucket"]["secret"]
        pairs = {keys["accessKeyName"]: chosen.get("accessKey"), keys["secretKeyName"]: chosen.get("secretKey")}
        content["bucket"] = {key: value for key, value in pairs.items() if value}
    if not isinstance(smtp["password"], Mapping):
        content["smtp-secret"] = {"SMTP_PASSWORD": smtp["password"]}
    if not config["kafka"]["passwordSecret"]["name"]:
        content["kafka"] = {"KAFKA_CLIENT_PASSWORD": ""}
    if config["mysql"]["caCert"]:
        content["mysql-ca-cert"] = {"MYSQL_CA_CERT": config["mysql"]["caCert"]}
    if oidc["secret"] and not oidc["oidcSecret"]["name"]:
        content["oidc-secret"] = {oidc["oidcSecret"]["secretKey"]: oidc["secret"]}
    for name, pairs in content.items():
        yield _secret(f"{release}-{name}", {key: _encoded(value) for key, value in pairs.items()}, labels)


def _kept_secrets(
    config: Mapping[str, Any], release: str, labels: Mapping[str, str], held: Callable[[str], Mapping[str, str] | None]
) -> Iterator[Object]:
    """Secrets that outlive the release. What is generated in them is taken from those that are there."""

    def value(name: str, key: str, given: str, length: int = 32) -> str:
        return _encoded(given) if given else (held(name) or {}).get(key) or _encoded(secrets.token_hex(length))

    mysql, clickhouse = config["mysql"], config["clickhouse"]
    session = f"{release}-gorilla-session-key"
    address = _encoded(f"http://{release}-app:8083/api/jwks.json")
    content = {
        session: {"GORILLA_SESSION_KEY": value(session, "GORILLA_SESSION_KEY", "", 16), "GORILLA_AUTH_JWK_URL": address}
    }
    if not mysql["passwordSecret"]["name"]:
        # a password of the form {valueFrom: …} ends up in this Secret as text, and is read by nobody
        name = f"{release}-mysql"
        content[name] = {"MYSQL_PASSWORD": value(name, "MYSQL_PASSWORD", _go_text(mysql["password"]))}
    if not clickhouse["passwordSecret"]["name"] and not isinstance(clickhouse["password"], Mapping):
        name = f"{release}-clickhouse"
        content[name] = {"CLICKHOUSE_PASSWORD": value(name, "CLICKHOUSE_PASSWORD", clickhouse["password"])}
    if not config["licenseSecret"]["name"]:
        key = config["licenseSecret"]["key"] or "license"
        content[f"{release}-license"] = {key: _encoded(config["license"])}
    for name, data in content.items():
        yield _secret(name, data, labels, {"helm.sh/resource-policy": "keep"})


def _go_text(value: Any) -> str:
    if not isinstance(value, Mapping):
        return str(value or "")
    inner = " ".join(f"{key}:{_go_text(value[key])}" for key in sorted(value))
    return f"map[{inner}]"


def _encoded(text: Any) -> str:
    return base64.b64encode(str(text or "").encode()).decode()


def _config_map(name: str, data: Mapping[str, str], labels: Mapping[str, str]) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "labels": dict(labels)},
        "data": dict(data),
    }


def _secret(
    name: str, data: Mapping[str, str], labels: Mapping[str, str], annotations: Mapping[str, str] | None = None
) -> Object:
    metadata: Object = {"name": name, "labels": dict(labels)} | (
        {"annotations": dict(annotations)} if annotations else {}
    )
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "data": dict(data)}
