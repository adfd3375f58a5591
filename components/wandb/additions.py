"""The values of what W&B's chart can run beyond the usual: queues, Weave's workers, monitoring, a ClickHouse for Models.

Pure functions over a tree of values, which they change. Facts of chart `operator-wandb` 0.43.8 and of Weave's own
environment (`weave/trace_server/environment.py` and `redis_client.py` of wandb/weave).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pulumi

from .. import contracts
from ..later import lift
from .inventory import Component
from .option_values import reference
from .options import OLAP, Kafka, Options

TOKEN_ANNOTATION = "wandb.pulumi/weave-worker-token"
"""On pods that read the token of Weave's workers: changes with it, so that they restart with a new one."""
BUFSTREAM_PREFIX = "bufstream"
"""Where bufstream keeps its data in W&B's bucket."""
EXPORTERS = {"mysql-exporter": "v0.15.1", "redis-exporter": "v1.67.0"}
"""Of the chart's Prometheus, with the tags of their images, which the chart leaves at `latest`. The first takes MySQL's
address as an argument and its password as a variable, as mysqld_exporter does from 0.15 on. Each runs only where it is
enabled by a value that the chart itself does not declare."""


def add(
    tree: dict[str, Any],
    options: Options,
    on: Collection[Component],
    *,
    redis: contracts.Redis,
    identity: contracts.Identity,
    storage_class: str | None,
) -> None:
    """Put what `options` ask for into `tree`, which has a section for each component that is `on`."""
    if options.weave_token_revision is not None:
        # the trace server and `api` look the token up, the workers have it as a variable
        mark = {TOKEN_ANNOTATION: str(options.weave_token_revision)}
        for component in on:
            if component.weave_worker or component.name in ("weave-trace", "api"):
                tree[component.name]["podAnnotations"] = dict(mark)
    if any(each.weave_worker for each in on):
        environment = weave_environment(redis, options.kafka)
        for component in on:
            if component.weave_worker or component.name == "weave-trace":
                tree[component.name].setdefault("env", {}).update(environment)
    if "filemeta" in options.optional_components:
        # else the server would go on with the same work
        tree["app"].setdefault("env", {})["GORILLA_FILEMETA_ENABLED"] = "false"
    if options.bufstream:
        tree["global"]["bufstream"] = {"enabled": True}
        tree["bufstream"] = bufstream_values(identity)
        if storage_class:
            tree["etcd"] = {"persistence": {"storageClass": storage_class}}
    if options.olap:
        tree["global"]["olap"] = olap_values(options.olap)
    if options.prometheus:
        tree["prometheus"] = {"install": True} | {
            name: {"enabled": True, "image": {"tag": tag}} for name, tag in EXPORTERS.items()
        }
    if options.open_telemetry:
        kinds = ("deployment", "daemonset")
        tree["otel"] = {"install": True} | {kind: {"install": kind == options.open_telemetry} for kind in kinds}
    _tuning(tree, options)


def weave_environment(redis: contracts.Redis, kafka: Kafka | None) -> dict[str, Any]:
    """What Weave's trace server and its workers need to find the queue and Redis.

    The chart's own WEAVE_REDIS_URL is in a ConfigMap, where Kubernetes expands no variable, and says TLS in a way that
    Redis' client for Python does not know.
    """
    scheme = "rediss" if redis.tls else "redis"
    login = ":$(REDIS_PASSWORD)@" if redis.password else ""
    found: dict[str, Any] = {"WEAVE_REDIS_URL": lift(f"{scheme}://{login}{{}}:{redis.port}".format, redis.host)}
    if redis.password:
        found["REDIS_PASSWORD"] = reference(redis.password)
    if kafka and kafka.password:
        found["KAFKA_CLIENT_PASSWORD"] = reference(kafka.password)
    return found


def bufstream_values(identity: contracts.Identity) -> dict[str, Any]:
    """Bufstream in W&B's bucket, which it opens by its identity.

    The chart's templates would tell it an endpoint without a host, and an access key that is empty.
    """
    account = {"annotations": dict(identity.service_account_annotations)}
    values: dict[str, Any] = {
        "install": True,
        "storage": {
            "s3": {"endpoint": "", "accessKeyId": "", "secretName": "", "prefix": f"{BUFSTREAM_PREFIX}/"},
            "gcs": {"prefix": f"{BUFSTREAM_PREFIX}/"},
        },
    }
    deployment = {"podLabels": dict(identity.pod_labels)} if identity.pod_labels else {}
    bufstream = ({"serviceAccount": account} if account["annotations"] else {}) | (
        {"deployment": deployment} if deployment else {}
    )
    return values | ({"bufstream": bufstream} if bufstream else {})


def opens_by_identity(bucket: contracts.Bucket) -> bool:
    """Whether bufstream can use the bucket: it takes the id of an access key in clear text alone, and no address with TLS."""
    return bucket.provider in ("s3", "gcs") and bucket.endpoint is None and bucket.keys is None


def olap_values(olap: OLAP) -> dict[str, Any]:
    """`global.olap`: where that ClickHouse is, and what of Models is kept in it."""
    connection: dict[str, Any] = {
        "host": olap.host,
        "port": olap.port,
        "user": olap.user,
        "password": reference(olap.password),
        "params": {"tls": "true" if olap.tls else "false"},
    }
    features = {
        "registrySearch": olap.registry_search,
        "runStoreAccelerator": olap.run_store_accelerator,
        "history": olap.history,
    }
    return {"default": connection, **{name: {"enabled": True} for name, wanted in features.items() if wanted}}


def _tuning(tree: dict[str, Any], options: Options) -> None:
    if options.executor_concurrency is not None:
        tree["executor"]["workerConcurrency"] = options.executor_concurrency
    if options.panel_cache_gib is not None:
        tree["weave"]["cache"] = {"size": f"{options.panel_cache_gib}Gi"}
    if options.artifact_garbage_collection is not None:
        text: pulumi.Input[str] = "true" if options.artifact_garbage_collection else "false"
        # which of the two the server obeys is written nowhere
        names = ("GORILLA_ARTIFACT_GC_ENABLED", "GORILLA_GLUE_ARTIFACT_GC_ENABLED")
        tree["global"]["env"] = tree["global"].get("env", {}) | dict.fromkeys(names, text)
