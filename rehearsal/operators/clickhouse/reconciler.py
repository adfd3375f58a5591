"""What the operator does for a ClickHouseInstallation or a ClickHouseKeeperInstallation.

Source: `pkg/controller/{chi,chk}` of clickhouse-operator 0.25.6. The reconcile is one pass over the hosts, one after
the other. A server that does not become ready ends it as `config.yaml` says (`onFailure`); Keepers are never waited for.
"""

from __future__ import annotations

import copy
import hashlib
import json
import logging
import secrets
import time
from collections.abc import Iterator, Mapping
from typing import Any

from ...api import Api, ApiError
from ...kubelet.events import event
from ..runtime import now, scaled, set_finalizer
from . import configuration
from .layout import CHI, FLAVOURS, Host, Installation, Unsupported, is_true
from .objects import Maker
from .settings import Settings
from .status import COMPLETED, Status

Object = Mapping[str, Any]
log = logging.getLogger(__name__)

FINALIZER = "finalizer.clickhouseinstallation.altinity.com"
VERSION = "0.25.6"
_MANAGER = "clickhouse-operator"
_GENERATION = "generation"
_RESTART = "rehearsal.clickhouse-operator/restart"
_KINDS = (
    ("apps/v1", "StatefulSet"),
    ("v1", "Service"),
    ("v1", "ConfigMap"),
    ("policy/v1", "PodDisruptionBudget"),
    ("v1", "Secret"),
)


class Failed(Exception):
    """The reconcile is given up; the message goes into the status."""


class Superseded(Exception):
    """The resource changed, or is being deleted, in the middle of a reconcile: start over."""


class Reconciler:
    """Brings the cluster to what a custom resource says."""

    def __init__(self, api: Api, settings: Settings) -> None:
        self._api = api
        self._settings = settings

    def reconcile(self, kind: str, namespace: str, name: str) -> float | None:
        """One pass for one object; returns seconds until the next pass is wanted, None: at the next change."""
        flavour = FLAVOURS[kind]
        resource = self._api.read(flavour.api_version, kind, name, namespace)
        if resource is None:
            return None
        installation = Installation(
            flavour=flavour, resource={"kind": kind, "apiVersion": flavour.api_version} | resource
        )
        if resource["metadata"].get("deletionTimestamp"):
            self._delete(installation)
            return None
        if is_true(installation.spec.get("suspend")):
            return None
        fingerprint = _fingerprint(installation)
        held = self._storage(installation)
        if held.get("fingerprint") == fingerprint:
            return None
        if flavour is CHI:
            set_finalizer(self._api, installation.resource, FINALIZER, present=True)
        try:
            self._apply(installation, held, fingerprint)
        except Superseded:
            return 0.0
        return None

    def _apply(self, installation: Installation, held: Mapping[str, str], fingerprint: str) -> None:
        task = str(
            installation.spec.get("taskID") or f"auto-{installation.resource['metadata']['uid']}-{fingerprint[:8]}"
        )
        status = Status(installation.resource.get("status") or {}, VERSION)
        try:
            present = {obj["metadata"]["name"] for obj in self._owned(installation, "apps/v1", "StatefulSet")}
            wanted = {installation.statefulset(host) for host in installation.hosts}
            status.start(installation, task, len(present - wanted))
            self._write(installation, status)
            self._event(installation, "ReconcileStarted", f"reconcile started, task id: {task}")
            restarts = json.loads(held.get("restarts") or "{}")
            self._roll_out(installation, status, restarts)
            self._clean(installation, wanted, status)
        except (Failed, Unsupported) as error:
            log.warning("%s %s aborted: %s", installation.flavour.kind, installation.name, error)
            status.abort(str(error))
            self._event(
                installation, "ReconcileFailed", f"reconcile completed UNSUCCESSFULLY, task id: {task}: {error}"
            )
            # an aborted task is not tried again until the specification changes
            self._store(installation, fingerprint, json.loads(held.get("restarts") or "{}"))
            self._write(installation, status)
            return
        self._store(installation, fingerprint, restarts)
        self._label_claims(installation)
        status.complete()
        self._event(installation, "ReconcileCompleted", f"reconcile completed successfully, task id: {task}")
        self._write(installation, status)
        log.info(
            "%s %s/%s %s, task %s",
            installation.flavour.kind,
            installation.namespace,
            installation.name,
            COMPLETED,
            task,
        )

    def _roll_out(self, installation: Installation, status: Status, restarts: dict[str, str]) -> None:
        maker = Maker(installation=installation, settings=self._settings)
        hosts = installation.hosts
        made = {host.index: self._files(installation, host) for host in hosts}
        for name, part, data in (
            (installation.common_config, "Common", made[0].common),
            (installation.common_users, "CommonUsers", made[0].users),
        ):
            self._put(maker.config_map(name, part, installation.scope(), data))
        for cluster in installation.clusters:
            if is_true((cluster.spec.get("secret") or {}).get("auto")):
                self._secret(installation, maker, cluster)
            if budget := maker.disruption_budget(cluster):
                self._put(budget)
        for host in hosts:
            self._superseded(installation)
            data = made[host.index].host
            self._put(maker.config_map(installation.host_config(host), "Host", installation.host_scope(host), data))
            self._host(installation, maker, host, made[host.index], status, restarts)
            status.count("hostsCompleted")
            self._write(installation, status)
            if host.index == 0:
                self._put(maker.entry_service())
        if installation.flavour is CHI:
            status.value["hostsWithTablesCreated"] = [installation.fqdn(host) for host in hosts]

    def _files(self, installation: Installation, host: Host) -> configuration.Files:
        given = self._settings.server_files if installation.flavour is CHI else self._settings.keeper_files
        return configuration.files(installation, host, given)

    def _host(
        self,
        installation: Installation,
        maker: Maker,
        host: Host,
        files: configuration.Files,
        status: Status,
        restarts: dict[str, str],
    ) -> None:
        name, namespace = installation.statefulset(host), installation.namespace
        before = self._api.read("apps/v1", "StatefulSet", name, namespace)
        if before is not None and before["metadata"].get("deletionTimestamp"):
            self._wait_gone("StatefulSet", name, namespace)
            before = None
        restart = _restart_relevant(installation, host)
        live = self._statefulset(maker.statefulset(host, files), before)
        self._put(maker.host_service(host))
        changed = before is None or live["metadata"]["generation"] != before["metadata"]["generation"]
        status.count("hostsAdded" if before is None else "hostsUpdated" if changed else "hostsUnchanged")
        replaced = None
        if before is not None and restarts.get(name) not in (None, restart) and live["spec"]["replicas"]:
            # the configuration is mounted, so a changed one reaches the pod; the server reads it at a start only
            replaced = self._restart(installation.pod(host), namespace)
            changed = True
        restarts[name] = restart
        if installation.flavour is CHI and not installation.stopped:
            self._await_ready(installation, name, created=before is None, replaced=replaced)
        elif changed:
            # the operator sleeps a while after each Keeper, and looks at nothing
            time.sleep(scaled(10))

    def _statefulset(self, wanted: dict[str, Any], before: Object | None) -> Object:
        """Create or change a StatefulSet.

        One that is not ready, or whose change the API server refuses, is deleted with its pod and created again: the
        StatefulSet controller would wait for the old pod for ever. Its volume claims stay.
        """
        if before is None:
            return self._api.create(wanted, field_manager=_MANAGER)
        try:
            planned = self._api.apply(wanted, field_manager=_MANAGER, dry_run=True)
        except ApiError as error:
            if error.status != 422:
                raise
            return self._again(wanted)
        if planned["metadata"]["generation"] != before["metadata"]["generation"] and not _ready(before):
            return self._again(wanted)
        return self._put(wanted)

    def _again(self, wanted: dict[str, Any]) -> Object:
        name, namespace = wanted["metadata"]["name"], wanted["metadata"]["namespace"]
        log.info("StatefulSet %s is deleted and created again", name)
        self._api.delete("apps/v1", "StatefulSet", name, namespace, propagation="Background")
        self._wait_gone("StatefulSet", name, namespace)
        self._wait_gone("Pod", f"{name}-0", namespace)
        return self._api.create(wanted, field_manager=_MANAGER)

    def _restart(self, pod: str, namespace: str) -> str | None:
        """Delete a pod for its StatefulSet to make it anew; returns the uid of the old one."""
        live = self._api.read("v1", "Pod", pod, namespace)
        self._api.delete("v1", "Pod", pod, namespace, propagation="Background")
        return live["metadata"]["uid"] if live else None

    def _await_ready(self, installation: Installation, name: str, *, created: bool, replaced: str | None) -> None:
        """Wait until the host is ready, by another pod than the one with the uid `replaced`.

        Raises Failed when it does not become so and the settings say abort.
        """
        deadline = time.monotonic() + scaled(self._settings.timeout)
        while True:
            live = self._api.read("apps/v1", "StatefulSet", name, installation.namespace) or {}
            # a pod that was deleted a moment ago still counts in the StatefulSet's status
            if _ready(live) and self._pod_ready(f"{name}-0", installation.namespace, replaced):
                return
            self._superseded(installation)
            if time.monotonic() > deadline:
                break
            time.sleep(0.2)
        action = self._settings.on_create_failure if created else self._settings.on_update_failure
        reason = self._why(installation, name)
        if action == "ignore":
            log.info("StatefulSet %s is not ready after %gs, going on: %s", name, self._settings.timeout, reason)
            return
        what = "create" if created else "update"
        raise Failed(
            f"FAILED to {what} StatefulSet: {name}, it is not ready after {self._settings.timeout:g}s: {reason}"
        )

    def _pod_ready(self, name: str, namespace: str, replaced: str | None) -> bool:
        pod = self._api.read("v1", "Pod", name, namespace)
        if pod is None or pod["metadata"]["uid"] == replaced or pod["metadata"].get("deletionTimestamp"):
            return False
        conditions = (pod.get("status") or {}).get("conditions") or ()
        return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)

    def _why(self, installation: Installation, name: str) -> str:
        pod = self._api.read("v1", "Pod", f"{name}-0", installation.namespace)
        if pod is None:
            return "it has no pod; the events of the StatefulSet say why"
        for condition in (pod.get("status") or {}).get("conditions") or ():
            if condition["type"] == "PodScheduled" and condition["status"] == "False":
                return f"pod {name}-0 is Pending: {condition.get('message', '')}"
        for container in (pod.get("status") or {}).get("containerStatuses") or ():
            if waiting := (container.get("state") or {}).get("waiting"):
                return f"pod {name}-0: {waiting.get('reason')}: {waiting.get('message', '')}"
        return f"pod {name}-0 is {(pod.get('status') or {}).get('phase', 'Pending')} and not ready"

    def _label_claims(self, installation: Installation) -> None:
        """Put the reclaim policy on the volume claims; it decides their fate when the installation is deleted."""
        maker = Maker(installation=installation, settings=self._settings)
        claims = [
            (host, template, policy)
            for host in installation.hosts
            for template, policy in maker.reclaim_policies(host).items()
        ]
        for host, template, policy in claims:
            name = f"{template}-{installation.pod(host)}"
            claim = self._bound_claim(name, installation.namespace)
            if claim is None:
                continue
            label = {installation.label("reclaimPolicy"): policy} | installation.host_scope(host)
            held = claim["metadata"].get("labels") or {}
            if any(held.get(key) != value for key, value in label.items()):
                body = {"metadata": {"labels": label}}
                self._api.patch("v1", "PersistentVolumeClaim", name, installation.namespace, body=body)
            self._grow(installation, template, claim)

    def _bound_claim(self, name: str, namespace: str) -> Object | None:
        # a claim that changes while the scheduler binds it costs the pod another round of scheduling
        for _ in range(10):
            claim = self._api.read("v1", "PersistentVolumeClaim", name, namespace)
            if claim is not None and (claim.get("status") or {}).get("phase") == "Bound":
                break
            time.sleep(0.1)
        return claim

    def _grow(self, installation: Installation, template: str, claim: Object) -> None:
        listed = (installation.spec.get("templates") or {}).get("volumeClaimTemplates") or ()
        spec = next((one.get("spec") or {} for one in listed if one["name"] == template), {})
        wanted = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
        if wanted and wanted != claim["spec"]["resources"]["requests"]["storage"]:
            body = {"spec": {"resources": {"requests": {"storage": wanted}}}}
            self._api.patch("v1", "PersistentVolumeClaim", claim["metadata"]["name"], installation.namespace, body=body)

    def _secret(self, installation: Installation, maker: Maker, cluster: Any) -> None:
        name = installation.cluster_secret(cluster)
        if self._api.read("v1", "Secret", name, installation.namespace) is None:
            self._api.create(maker.cluster_secret(cluster, secrets.token_hex(16)), field_manager=_MANAGER)

    def _clean(self, installation: Installation, wanted: set[str], status: Status) -> None:
        """Remove hosts that the specification has no more, as its `cleanup` says; volume claims by their label."""
        cleanup = (installation.spec.get("reconcile") or installation.spec.get("reconciling") or {}).get(
            "cleanup"
        ) or {}
        unknown = cleanup.get("unknownObjects") or {}
        for obj in self._owned(installation, "apps/v1", "StatefulSet"):
            name = obj["metadata"]["name"]
            if name in wanted or (unknown.get("statefulSet") or "Delete") != "Delete":
                continue
            self._api.delete("apps/v1", "StatefulSet", name, installation.namespace, propagation="Background")
            self._api.delete("v1", "Service", name, installation.namespace, propagation="Background")
            if (unknown.get("pvc") or "Delete") == "Delete":
                self._drop_claims(installation, f"-{name}-0")
            status.count("hostsDeleted")

    def _delete(self, installation: Installation) -> None:
        """The end of an installation: its hosts, its volumes by their reclaim policy, then the finalizer."""
        if FINALIZER not in (installation.resource["metadata"].get("finalizers") or ()):
            return
        status = Status(installation.resource.get("status") or {}, VERSION)
        status.terminate()
        self._write(installation, status)
        self._event(installation, "DeleteStarted", f"Delete {installation.flavour.short.upper()} started")
        for api_version, kind in _KINDS:
            for obj in self._owned(installation, api_version, kind):
                name = obj["metadata"]["name"]
                log.info("delete %s %s", kind, name)
                self._api.delete(api_version, kind, name, installation.namespace, propagation="Background")
                if kind == "StatefulSet":
                    self._wait_gone("Pod", f"{name}-0", installation.namespace)
                    self._drop_claims(installation, f"-{name}-0")
        self._event(installation, "DeleteCompleted", f"Delete {installation.flavour.short.upper()} completed")
        set_finalizer(self._api, installation.resource, FINALIZER, present=False)

    def _drop_claims(self, installation: Installation, suffix: str) -> None:
        selector = ",".join(f"{key}={value}" for key, value in installation.scope().items())
        for claim in self._api.list("v1", "PersistentVolumeClaim", installation.namespace, label_selector=selector):
            name = claim["metadata"]["name"]
            policy = claim["metadata"]["labels"].get(installation.label("reclaimPolicy"))
            if name.endswith(suffix) and policy == "Delete":
                log.info("delete volume claim %s: its reclaim policy is Delete", name)
                self._api.delete("v1", "PersistentVolumeClaim", name, installation.namespace, propagation="Background")

    def _owned(self, installation: Installation, api_version: str, kind: str) -> Iterator[Object]:
        selector = ",".join(f"{key}={value}" for key, value in installation.scope().items())
        uid = installation.resource["metadata"]["uid"]
        for obj in self._api.list(api_version, kind, installation.namespace, label_selector=selector):
            if any(owner["uid"] == uid for owner in obj["metadata"].get("ownerReferences") or ()):
                yield obj

    def _wait_gone(self, kind: str, name: str, namespace: str, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        api_version = "v1" if kind == "Pod" else "apps/v1"
        while self._api.read(api_version, kind, name, namespace) is not None:
            if time.monotonic() > deadline:
                raise Failed(f"{kind} {name} is still there {seconds:g}s after its deletion")
            time.sleep(0.2)

    def _superseded(self, installation: Installation) -> None:
        meta = installation.resource["metadata"]
        live = self._api.read(
            installation.flavour.api_version, installation.flavour.kind, meta["name"], meta["namespace"]
        )
        if live is None or live["metadata"]["uid"] != meta["uid"]:
            raise Superseded
        if live["metadata"].get("deletionTimestamp") or live["metadata"][_GENERATION] != meta[_GENERATION]:
            raise Superseded

    def _put(self, obj: dict[str, Any]) -> Object:
        return self._api.apply(obj, field_manager=_MANAGER)

    def _write(self, installation: Installation, status: Status) -> None:
        meta = installation.resource["metadata"]
        try:
            self._api.patch(
                installation.flavour.api_version,
                installation.flavour.kind,
                meta["name"],
                meta["namespace"],
                body={"status": status.value},
                subresource="status",
            )
        except ApiError as error:
            if error.status == 404:
                raise Superseded from error
            raise

    def _event(self, installation: Installation, reason: str, message: str) -> None:
        kind = "Error" if reason.endswith("Failed") else "Normal"
        try:
            self._api.create(
                event(installation.resource, _MANAGER, reason, message, kind=kind.replace("Error", "Warning"))
            )
        except ApiError as error:
            log.debug("event: %s", error)

    def _storage(self, installation: Installation) -> Mapping[str, str]:
        """What was completed last, kept beside the installation so that it outlives this process."""
        name = f"{installation.flavour.short}-storage-{installation.name}"
        held = self._api.read("v1", "ConfigMap", name, installation.namespace) or {}
        data = held.get("data") or {}
        return data if data.get("uid") == installation.resource["metadata"]["uid"] else {}

    def _store(self, installation: Installation, fingerprint: str, restarts: Mapping[str, str]) -> None:
        maker = Maker(installation=installation, settings=self._settings)
        data = {
            "uid": installation.resource["metadata"]["uid"],
            "fingerprint": fingerprint,
            "restarts": json.dumps(dict(restarts), sort_keys=True),
            "completed": now(),
        }
        name = f"{installation.flavour.short}-storage-{installation.name}"
        self._put(maker.config_map(name, "Storage", installation.scope(), data))


def _fingerprint(installation: Installation) -> str:
    """Changes when the specification does. Labels and annotations alone start no reconcile."""
    return hashlib.sha256(json.dumps(installation.spec, sort_keys=True).encode()).hexdigest()


def _restart_relevant(installation: Installation, host: Host) -> str:
    """A hash of the settings and files that a server reads at its start only.

    Source: `configurationRestartPolicy` of the operator's config.yaml: users, profiles, quotas and Keeper's addresses
    need no restart; of the settings neither do logger, macros and remote_servers, memory limits and drop limits; of the
    files those named `*dict*` or `*no_restart*`.
    """
    exempt = ("logger/", "macros/", "remote_servers/", "user_directories/", "max_server_memory_", "dictionaries_config")
    config = installation.configuration
    settings = copy.deepcopy({**(config.get("settings") or {}), **(host.cluster.spec.get("settings") or {})})
    files = {**(config.get("files") or {}), **(host.cluster.spec.get("files") or {})}
    kept = {key: value for key, value in settings.items() if not key.startswith(exempt)}
    kept |= {path: text for path, text in files.items() if "dict" not in path and "no_restart" not in path}
    text = json.dumps([kept, installation.spec.get("restart") and installation.spec.get("taskID")], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _ready(live: Object) -> bool:
    status = live.get("status") or {}
    return (
        bool(live)
        and status.get("observedGeneration") == live["metadata"]["generation"]
        and status.get("readyReplicas", 0) == live["spec"]["replicas"]
        and status.get("updatedReplicas", 0) == live["spec"]["replicas"]
        and status.get("currentRevision") == status.get("updateRevision")
    )
