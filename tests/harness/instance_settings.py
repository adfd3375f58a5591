"""A stack that sets all there is to set of the W&B instance, and another value for each of it."""

from __future__ import annotations

from typing import Any

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nTm90IGEgY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n"
OTHER_CERTIFICATE = CERTIFICATE.replace("Tm90", "QWxz")

SET: dict[str, Any] = {
    "additionalHosts": ["wandb.example.org"],
    "sessionHours": 24,
    "oidc": {
        "issuer": "https://login.example.com",
        "clientId": "wandb",
        "method": "pkce",
        "secretRef": {"name": "oidc-client", "key": "secret"},
    },
    "smtp": {
        "host": "mail.example.com",
        "port": 25,
        "user": "wandb",
        "passwordSecret": {"name": "mail", "key": "password"},
        "sender": "wandb@example.com",
    },
    "slack": {"clientId": "1234.5678", "secretRef": {"name": "slack-app", "key": "secret"}},
    "caCertificates": [CERTIFICATE],
    "caConfigMap": "company-authorities",
    "proxy": {
        "http": "http://proxy.example.com:3128",
        "https": "http://proxy.example.com:3128",
        "direct": ["10.0.0.0/8"],
    },
    "kafka": {
        "host": "kafka.example.com",
        "port": 9093,
        "user": "wandb",
        "passwordSecret": {"name": "kafka-user", "key": "password"},
    },
    "optionalComponents": ["mcp-server"],
    "olap": {
        "host": "olap.example.com",
        "port": 9000,
        "user": "models",
        "passwordSecret": {"name": "olap-user", "key": "password"},
        "tls": False,
        "registrySearch": True,
        "runStoreAccelerator": False,
        "history": True,
    },
    "weaveTokenRevision": 1,
    "executorConcurrency": 20,
    "panelCacheGiB": 30,
    "artifactGarbageCollection": True,
    "env": {"HTTP_TIMEOUT": "60"},
    "envSecrets": {"FURTHER_TOKEN": "further/token"},
    "nodeSelector": {"pool": "wandb"},
    "tolerations": ["dedicated=wandb:NoSchedule"],
    "topologySpread": {"topology.kubernetes.io/zone": "DoNotSchedule"},
    "priorityClass": "important",
    "runAsUser": 1000660000,
    "fsGroup": 1000660000,
    "imageRegistry": "mirror.example.com/wandb",
    "imagePullSecrets": ["mirror-login"],
    "components": {
        "api": {
            "env": {"GOGC": "50"},
            "envSecrets": {"OWN_TOKEN": "own/token"},
            "nodeSelector": {"pool": "api"},
            "tolerations": ["dedicated=api"],
            "topologySpread": {"kubernetes.io/hostname": "DoNotSchedule"},
            "priorityClass": "critical",
            "runAsUser": 1000660001,
        }
    },
    "extraValues": {"console": {"terminationGracePeriodSeconds": 90}},
    "allowUnknownValues": True,
}

OTHERWISE: dict[str, Any] = {
    "additionalHosts": ["other.example.org"],
    "sessionHours": 48,
    "oidc": {
        "issuer": "https://other.example.com/realms/main",
        "clientId": "other",
        "method": "implicit",
        "secret": "other-secret",
        "secretRef": {"name": "other", "key": "other"},
    },
    "smtp": {
        "host": "other.example.com",
        "port": 465,
        "user": "other",
        "password": "other-password",
        "passwordSecret": {"name": "other", "key": "other"},
        "sender": "other@example.com",
    },
    "slack": {"clientId": "8765.4321", "secret": "other-secret", "secretRef": {"name": "other", "key": "other"}},
    "caCertificates": [CERTIFICATE, OTHER_CERTIFICATE],
    "caConfigMap": "other",
    "proxy": {"http": "http://other.example.com", "https": "http://other.example.com:8080", "direct": [".example.com"]},
    "kafka": {
        "host": "other.example.com",
        "port": 9094,
        "user": "other",
        "passwordSecret": {"name": "other", "key": "other"},
    },
    "optionalComponents": ["mcp-server", "filemeta", "weave-trace-worker"],
    "olap": {
        "host": "other.example.com",
        "port": 9440,
        "user": "other",
        "passwordSecret": {"name": "other", "key": "other"},
        "tls": True,
        "registrySearch": False,
        "runStoreAccelerator": True,
        "history": False,
    },
    "weaveTokenRevision": 2,
    "executorConcurrency": 30,
    "panelCacheGiB": 40,
    "artifactGarbageCollection": False,
    "prometheus": True,
    "openTelemetry": "deployment",
    "env": {"HTTP_TIMEOUT": "90"},
    "envSecrets": {"FURTHER_TOKEN": "further/other"},
    "nodeSelector": {"pool": "other"},
    "tolerations": ["dedicated:NoExecute"],
    "topologySpread": {"topology.kubernetes.io/zone": "ScheduleAnyway"},
    "priorityClass": "other",
    "runAsUser": 1000670000,
    "fsGroup": 1000670000,
    "imageRegistry": "other.example.com:5000/wandb",
    "imagePullSecrets": ["other"],
    "components": {
        "api": {
            "env": {"GOGC": "60"},
            "envSecrets": {"OWN_TOKEN": "own/other"},
            "nodeSelector": {"pool": "other"},
            "tolerations": ["dedicated=other"],
            "topologySpread": {"kubernetes.io/hostname": "ScheduleAnyway"},
            "priorityClass": "other",
            "runAsUser": 1000660002,
        }
    },
    "extraValues": {"console": {"terminationGracePeriodSeconds": 120}},
}
"""Each alone. `allowUnknownValues` changes what is refused, not what is asked for."""

ONE_SETTING = ("env", "envSecrets", "nodeSelector", "topologySpread", "extraValues")
"""Sections whose keys the user chooses."""

EXCLUDED_BY = {
    "instance.oidc.secret": "instance.oidc.secretRef",
    "instance.smtp.password": "instance.smtp.passwordSecret",
    "instance.slack.secret": "instance.slack.secretRef",
}
"""The setting that has to be left out where another one is given."""
