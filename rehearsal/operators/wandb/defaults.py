"""The values of `operator-wandb` 0.43.8 that its templates read without asking whether they are there."""

from __future__ import annotations

from typing import Any

_BUCKET = {"name": "", "path": "", "region": "", "kmsKey": ""}
_ISSUER = "https://kubernetes.default.svc.cluster.local"
_NAMES: dict[str, Any] = {"labels": {}, "annotations": {}}

DEFAULTS: dict[str, Any] = {
    "global": {
        "host": "http://localhost:8080",
        "size": "small",
        "cloudProvider": "",
        "repositoryPrefix": "",
        "license": "",
        "licenseCertPath": "/jwks.json",
        "licenseSecret": {"name": "", "key": ""},
        "common": _NAMES,
        "pod": _NAMES,
        "deployment": _NAMES,
        "service": {"annotations": {}},
        "nodeSelector": {},
        "tolerations": [],
        "priorityClassName": "",
        "imagePullSecrets": [],
        "env": {},
        "extraEnv": {},
        "volumes": [],
        "volumeMounts": [],
        "customCACerts": [],
        "caCertsConfigMap": "",
        "auth": {
            "sessionLengthHours": 720,
            "oidc": {
                "clientId": "",
                "issuer": "",
                "authMethod": "",
                "secret": "",
                "oidcSecret": {"name": "", "secretKey": "OIDC_SECRET"},
            },
        },
        "email": {"smtp": {"host": "", "port": 587, "user": "", "password": "", "mailFrom": ""}},
        "statsig": {"apiKey": ""},
        "slack": {"clientId": "", "secret": ""},
        "mysql": {
            "host": "",
            "port": 3306,
            "database": "wandb_local",
            "user": "wandb",
            "password": "",
            "caCert": "",
            "passwordSecret": {"name": "", "passwordKey": "MYSQL_PASSWORD"},
        },
        "redis": {
            "host": "",
            "port": 6379,
            "password": "",
            "caCert": "",
            "params": {},
            "parameters": {},
            "secret": {"secretName": "", "secretKey": "REDIS_PASSWORD"},
        },
        "bucket": {
            **_BUCKET,
            "secret": {"secretName": "", "accessKeyName": "ACCESS_KEY", "secretKeyName": "SECRET_KEY"},
        },
        "defaultBucket": {**_BUCKET, "provider": "s3"},
        "clickhouse": {
            "host": "{{ .Release.Name }}-clickhouse-headless",
            "port": "",
            "database": "weave_trace_db",
            "user": "default",
            "password": "",
            "replicated": False,
            "passwordSecret": {"name": "", "passwordKey": "CLICKHOUSE_PASSWORD"},
        },
        "kafka": {
            "passwordSecret": {"name": "", "passwordKey": "client-passwords"},
            "brokerHost": "",
            "brokerPort": 9092,
        },
        "api": {"enabled": False, "additionalPaths": {}},
        "glue": {"enabled": False},
        "executor": {"enabled": False},
        "weave-trace": {"enabled": False},
        "localService": {"bypass": False},
        "operator": {"namespace": "default"},
    },
    "app": {
        "internalJWTMap": [
            {
                "subject": f"system:serviceaccount:{{{{ .Release.Namespace }}}}:{{{{ .Release.Name }}}}-{name}",
                "issuer": _ISSUER,
            }
            for name in ("weave-trace", "weave-trace-worker")
        ],
    },
    "executor": {"workerConcurrency": 10},
    "weave": {"cache": {"size": "20Gi", "medium": ""}},
    "ingress": {
        "install": True,
        "create": True,
        "nameOverride": "",
        "defaultBackend": "app",
        "class": "",
        "annotations": {},
        "labels": {},
        "tls": [],
        "additionalHosts": [],
    },
}
"""Lists in it are replaced by those of the values, as Helm does; the operator's merge has run before."""

ADDITIONAL_PATHS: dict[str, tuple[str, ...]] = {
    "analytics": ("/analytics",),
    "oidc": ("/oidc",),
    "proxy": ("/proxy",),
    "files": ("/files",),
    "debug": ("/debug",),
    "service_redirect": ("/service-redirect",),
    "service_dangerzone": ("/service-dangerzone",),
    "scim": ("/scim",),
    "admin": ("/admin/audit_logs",),
    "artifacts": ("/artifacts", "/artifactsV2"),
}
"""`global.api.additionalPaths.<key>` -> routes to api."""
