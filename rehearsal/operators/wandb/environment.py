"""The variables through which the chart's components find their stores, and which of them a pod cannot start without.

Source: `templates/_env.tpl`, `_mysql.tpl`, `_redis.tpl`, `_bucket.tpl`, `_clickhouse.tpl` of `operator-wandb` 0.43.8.
MySQL, ClickHouse, licence and SMTP password are required references; Redis, bucket and Kafka are optional ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Object = dict[str, Any]
Values = Mapping[str, Any]


_MYSQL_URL = "mysql://$(MYSQL_USER):$(MYSQL_PASSWORD)@$(MYSQL_HOST):$(MYSQL_PORT)/$(MYSQL_DATABASE)?tls=preferred"


class RenderError(Exception):
    """The chart's templates would fail on these values."""


def groups(names: tuple[str, ...], values: Values, release: str) -> list[Object]:
    """The variables of the named groups, in order."""
    return [variable for name in names for variable in GROUPS[name](values["global"], release)]


def redis_url(config: Values) -> str:
    """The URL in which Kubernetes fills in host, port and password."""
    password = "$(REDIS_PASSWORD)@" if config["redis"].get("password") or _redis_secret(config) else ""
    return f"redis://{':' if password else ''}{password}$(REDIS_HOST):$(REDIS_PORT)$(REDIS_PARAMS)"


def redis_parameters(config: Values) -> str:
    """The query of Redis' URL. Raises RenderError for a host or port that is a mapping."""
    redis = config["redis"]
    for key in ("host", "port"):
        if isinstance(redis.get(key), Mapping):
            raise RenderError(
                f"global.redis.{key}: wrong type for value; expected string; got map[string]interface {{}}"
            )
    certificate: dict[str, Any] = {"caCertPath": "/etc/ssl/certs/redis_ca.pem"} if redis.get("caCert") else {}
    defaults: dict[str, Any] = {"ttlInSeconds": 604800} | ({"tls": "true"} if redis.get("caCert") else {})
    port = str(redis.get("port", 6379))
    query = dict(pair.partition("=")[::2] for pair in port.partition("?")[2].split("&") if pair)
    given = {**(redis.get("parameters") or {}), **(redis.get("params") or {})}
    # the chart's merge lets its own defaults win, so the lifetime cannot be changed
    merged = {**certificate, **given, **query, **defaults}
    return "?" + "&".join(f"{key}={merged[key]}" for key in sorted(merged) if merged[key] != "")


def bucket(config: Values) -> Mapping[str, Any]:
    """`bucket` as a whole where it has a name, `defaultBucket` otherwise."""
    return config["bucket"] if config["bucket"].get("name") else config["defaultBucket"]


def bucket_url(config: Values) -> str:
    """The bucket's URL; empty for a provider that the chart does not know."""
    chosen = bucket(config)
    scheme = {"s3": "s3", "cw": "cw", "gcs": "gs", "az": "az"}.get(chosen.get("provider") or "")
    if scheme is None:
        return ""
    keys = config["bucket"]["secret"]["secretName"] or (chosen.get("accessKey") and chosen.get("secretKey"))
    credentials = "$(BUCKET_ACCESS_KEY):$(BUCKET_SECRET_KEY)@" if keys and scheme in ("s3", "cw") else ""
    path = "/$(BUCKET_PATH)" if chosen.get("path") else ""
    return f"{scheme}://{credentials}$(BUCKET_NAME){path}"


def bucket_secret(config: Values, release: str) -> str:
    """Name of the Secret with the bucket's keys."""
    return config["bucket"]["secret"]["secretName"] or f"{release}-bucket"


def redis_secret(config: Values, release: str) -> str:
    """Name of the Secret with Redis' password."""
    return _redis_secret(config) or f"{release}-redis-secret"


def _redis_secret(config: Values) -> str:
    return config["redis"]["secret"]["secretName"]


def clickhouse_port(config: Values, release: str) -> str:
    """The given port; without one 8123 for the bundled ClickHouse and 8443 for any other."""
    given = config["clickhouse"].get("port")
    if given:
        return str(given)
    return "8123" if config["clickhouse"]["host"] == f"{release}-clickhouse-headless" else "8443"


def _plain(name: str, value: Any) -> Object:
    return {"name": name, "value": str(value)}


def _reference(name: str, secret: str, key: str, *, optional: bool = False) -> Object:
    reference = {"name": secret, "key": key} | ({"optional": True} if optional else {})
    return {"name": name, "valueFrom": {"secretKeyRef": reference}}


def _either(name: str, value: Any, otherwise: Callable[[], Object]) -> Object:
    """A value of the form {valueFrom: …} as it is; anything else by the chart's own way."""
    return {"name": name, **value} if isinstance(value, Mapping) else otherwise()


def _downward(_: Values, __: str) -> list[Object]:
    fields = {
        "G_HOST_IP": "status.hostIP",
        "POD_NAME": "metadata.name",
        "GORILLA_CUSTOMER_SECRET_STORE_K8S_CONFIG_NAMESPACE": "metadata.namespace",
    }
    resources = {"GOMEMLIMIT": "limits.memory", "GOMAXPROCS": "limits.cpu"}
    return [
        *({"name": name, "valueFrom": {"resourceFieldRef": {"resource": path}}} for name, path in resources.items()),
        *({"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}} for name, path in fields.items()),
    ]


def _coreweave(_: Values, __: str) -> list[Object]:
    prefix = "GORILLA_COREWEAVE_WANDB_INTEGRATION"
    names = (f"{prefix}_ACCESS_ID", f"{prefix}_SECRET_KEY")
    return [_reference(name, "gorilla-coreweave-caios", name, optional=True) for name in names]


def _bucket(config: Values, release: str) -> list[Object]:
    secret, keys = bucket_secret(config, release), config["bucket"]["secret"]
    url = bucket_url(config)
    places = (
        "BUCKET",
        "GORILLA_FILE_STORE",
        "GORILLA_RUN_UPDATE_SHADOW_QUEUE_OVERFLOW_BUCKET_STORE",
        "GORILLA_STORAGE_BUCKET",
    )
    return [
        _reference("AZURE_STORAGE_KEY", secret, keys["accessKeyName"], optional=True),
        _reference("BUCKET_ACCESS_KEY", secret, keys["accessKeyName"], optional=True),
        _reference("BUCKET_SECRET_KEY", secret, keys["secretKeyName"], optional=True),
        *(_plain(name, url) for name in places),
    ]


def _mysql(config: Values, release: str) -> list[Object]:
    mysql = config["mysql"]
    if isinstance(mysql.get("caCert"), Mapping):
        raise RenderError("global.mysql.caCert: wrong type for value; expected string; got map[string]interface {}")
    secret = mysql["passwordSecret"]["name"] or f"{release}-mysql"
    fields = {
        "MYSQL_PORT": mysql["port"],
        "MYSQL_HOST": mysql["host"] or f"{release}-mysql",
        "MYSQL_DATABASE": mysql["database"],
        "MYSQL_USER": mysql["user"],
    }
    stores = ("MYSQL", "GORILLA_ANALYTICS_SINK", "GORILLA_METADATA_STORE", "GORILLA_RUN_STORE", "GORILLA_USAGE_STORE")
    certificate = [_plain("MYSQL_CA_CERT_PATH", "/etc/ssl/certs/mysql_ca.pem")] if mysql.get("caCert") else []
    return [
        _either(
            "MYSQL_PASSWORD",
            mysql.get("password"),
            lambda: _reference("MYSQL_PASSWORD", secret, mysql["passwordSecret"]["passwordKey"]),
        ),
        *(_either(name, value, lambda name=name, value=value: _plain(name, value)) for name, value in fields.items()),
        *certificate,
        *(_plain(name, _MYSQL_URL) for name in stores),
    ]


def _redis(config: Values, release: str) -> list[Object]:
    url = redis_url(config)
    names = (
        "REDIS", "GORILLA_ACTIVITY_STORE_CACHE_ADDRESS", "GORILLA_AUDITOR_CACHE", "GORILLA_CACHE",
        "GORILLA_FILE_METADATA_SOURCE", "GORILLA_LOCKER", "GORILLA_METADATA_CACHE", "GORILLA_SETTINGS_CACHE",
        "GORILLA_USAGE_METRICS_CACHE",
    )  # fmt: skip
    return [
        _reference(
            "REDIS_PASSWORD", redis_secret(config, release), config["redis"]["secret"]["secretKey"], optional=True
        ),
        *(_plain(name, url) for name in names),
        _plain("GORILLA_TASK_QUEUE", url if config["executor"]["enabled"] else "noop://"),
    ]


def _queue(config: Values, release: str) -> list[Object]:
    kafka = config["kafka"]
    named = kafka["passwordSecret"]["name"]
    key = kafka["passwordSecret"]["passwordKey"] if named else "KAFKA_CLIENT_PASSWORD"
    return [_reference("KAFKA_CLIENT_PASSWORD", named or f"{release}-kafka", key, optional=True)]


def _history(_: Values, release: str) -> list[Object]:
    return [
        _plain("GORILLA_HISTORY_STORE", f"http://{release}-parquet:8087/_goRPC_,{_MYSQL_URL}"),
        _plain("GORILLA_PARQUET_LIVE_HISTORY_STORE", _MYSQL_URL),
    ]


def _statsig(config: Values, _: str) -> list[Object]:
    if config["statsig"]["apiKey"]:
        return []
    return [_reference("GORILLA_STATSIG_KEY", "gorilla-statsig", "GORILLA_STATSIG_KEY", optional=True)]


def _smtp(config: Values, release: str) -> list[Object]:
    smtp = config["email"]["smtp"]
    for key in ("host", "port"):
        if isinstance(smtp[key], Mapping):
            raise RenderError(f"global.email.smtp.{key}: incompatible types for comparison")
    sink = (
        "smtp://$(SMTP_USER):$(SMTP_PASSWORD)@$(SMTP_HOST):$(SMTP_PORT)"
        if smtp["host"]
        else "https://api.wandb.ai/email/dispatch"
    )
    sender = smtp["mailFrom"]
    return [
        _plain("SMTP_HOST", smtp["host"]),
        _plain("SMTP_PORT", smtp["port"]),
        _either("SMTP_USER", smtp["user"], lambda: _plain("SMTP_USER", smtp["user"])),
        _either(
            "SMTP_PASSWORD",
            smtp["password"],
            lambda: _reference("SMTP_PASSWORD", f"{release}-smtp-secret", "SMTP_PASSWORD"),
        ),
        _plain("GORILLA_EMAIL_SINK", sink),
        *(
            [_either("GORILLA_EMAIL_FROM_ADDRESS", sender, lambda: _plain("GORILLA_EMAIL_FROM_ADDRESS", sender))]
            if sender
            else []
        ),
    ]


def _license(config: Values, release: str) -> list[Object]:
    secret = config["licenseSecret"]["name"] or f"{release}-license"
    key = config["licenseSecret"]["key"] or "license"
    return [_reference(name, secret, key) for name in ("LICENSE", "GORILLA_LICENSE")]


def _oidc(config: Values, release: str) -> list[Object]:
    oidc = config["auth"]["oidc"]
    named = oidc["oidcSecret"]["name"]
    if not named and not oidc["secret"]:
        return []
    secret = named or f"{release}-oidc-secret"
    return [
        _reference(name, secret, oidc["oidcSecret"]["secretKey"]) for name in ("GORILLA_OIDC_SECRET", "OIDC_SECRET")
    ]


def _clickhouse(config: Values, release: str) -> list[Object]:
    clickhouse = config["clickhouse"]
    secret = clickhouse["passwordSecret"]["name"] or f"{release}-clickhouse"
    replicated = clickhouse["replicated"]
    fields = {
        "WF_CLICKHOUSE_HOST": clickhouse["host"],
        "WF_CLICKHOUSE_PORT": clickhouse["port"]
        if isinstance(clickhouse["port"], Mapping)
        else clickhouse_port(config, release),
        "WF_CLICKHOUSE_DATABASE": clickhouse["database"],
        "WF_CLICKHOUSE_USER": clickhouse["user"],
        "WF_CLICKHOUSE_REPLICATED": str(replicated).lower() if isinstance(replicated, bool) else replicated,
    }
    return [
        *(_either(name, value, lambda name=name, value=value: _plain(name, value)) for name, value in fields.items()),
        _either(
            "WF_CLICKHOUSE_PASS",
            clickhouse["password"],
            lambda: _reference("WF_CLICKHOUSE_PASS", secret, clickhouse["passwordSecret"]["passwordKey"]),
        ),
    ]


def _certificates(_: Values, __: str) -> list[Object]:
    bundle, folder = "/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/certs"
    return [_plain("SSL_CERT_FILE", bundle), _plain("SSL_CERT_DIR", folder), _plain("REQUESTS_CA_BUNDLE", bundle)]


GROUPS: Mapping[str, Callable[[Values, str], list[Object]]] = {
    "downward": _downward,
    "coreweave": _coreweave,
    "bucket": _bucket,
    "mysql": _mysql,
    "redis": _redis,
    "queue": _queue,
    "history": _history,
    "statsig": _statsig,
    "smtp": _smtp,
    "license": _license,
    "oidc": _oidc,
    "clickhouse": _clickhouse,
    "certificates": _certificates,
}
