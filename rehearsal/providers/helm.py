"""The stand-in for `helm.v3.Release`: installs what `rehearsal.operators.charts` says that the chart would install.

Helm's rules hold: definitions of custom resources are created once and never changed or deleted, hooks run and are
waited for, an object of somebody else is not taken over, the record of the release is kept in Secrets. One rule is
milder: a release left pending by a run that was killed is installed anew, where Helm would ask for `helm uninstall`.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rehearsal.api import ApiError
from rehearsal.operators import charts
from rehearsal.providers import changes, objects
from rehearsal.providers.base import Call, Change, Diff, Log, NotInitialised, Refused
from rehearsal.providers.cluster import Cluster
from rehearsal.providers.helm_record import Record, forget, history, resource_names, store
from rehearsal.providers.objects import INPUTS, Object, name, namespace
from rehearsal.providers.readiness import judge_for
from rehearsal.providers.values import UNKNOWN, Properties, Secret, bare, has_unknown, hide
from rehearsal.providers.waiting import NotGone, NotReady, until_gone, until_ready
from rehearsal.sdk_types import violations

_TIMEOUT = 300
_DEFINITION = "CustomResourceDefinition"
_MANAGER = "helm"
_MANAGED_BY = "app.kubernetes.io/managed-by"
_RELEASE_NAME, _RELEASE_NAMESPACE = "meta.helm.sh/release-name", "meta.helm.sh/release-namespace"
_HOOK, _HOOK_WEIGHT, _HOOK_POLICY = "helm.sh/hook", "helm.sh/hook-weight", "helm.sh/hook-delete-policy"
_KEEP = "helm.sh/resource-policy"
_WAITED = ("Deployment", "StatefulSet", "DaemonSet", "PersistentVolumeClaim", "Pod")
_UNHEEDED = ("postrender", "verify", "devel", "reuseValues", "valueYamlFiles", "dependencyUpdate", "replace")


class Failed(Exception):
    """The chart was installed, and did not become ready."""

    def __init__(self, message: str, reasons: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.reasons = list(reasons)


class Releases:
    """Helm releases on one cluster."""

    def __init__(self, cluster: Cluster, log: Log, cancelled: threading.Event) -> None:
        self._cluster = cluster
        self._log = log
        self._cancelled = cancelled

    def check(self, call: Call) -> tuple[Properties, list[str]]:
        """The inputs with name, namespace, time-out and version settled, and what Helm or the chart would refuse."""
        inputs = {key: value for key, value in call.inputs.items() if key != "resourceNames"}
        if not inputs.get("name"):
            inputs["name"] = bare(call.old_inputs).get("name") or f"{call.name}-{secrets.token_hex(4)}"
        inputs["namespace"] = inputs.get("namespace") or self._cluster.default_namespace
        given = bare(inputs)
        if not given.get("skipAwait") and "timeout" not in given:
            inputs["timeout"] = _TIMEOUT
        wrong = violations(call.token, given)
        wrong += [f"the rehearsal does not imitate Helm's {key}" for key in _UNHEEDED if given.get(key)]
        if wrong or has_unknown(given):
            return inputs, wrong
        try:
            # rendered as the real provider does in a preview, so that values that the chart refuses show early
            _render(given)
            inputs["version"] = charts.find(given["chart"], given.get("version"), _repository(given))[1]
        except charts.ChartUnavailable as error:
            return inputs, [f"{error}; check the chart name and repository configuration."]
        except charts.BadValues as error:
            return inputs, [str(error)]
        return inputs, []

    def diff(self, call: Call) -> Diff:
        """By the inputs alone: what became of the chart's objects on the cluster plays no part."""
        old = bare(call.old.get(INPUTS) or call.old_inputs)
        new = bare(call.inputs)
        found = changes.with_replacement(changes.changes(old, new), new, ("name", "namespace"))
        shown: dict[str, Change] = {changes.display(path): change for path, change in found.items()}
        return Diff(changes=changes.ignoring(shown, call.ignore_changes))

    def create(self, call: Call) -> tuple[str, Properties]:
        """Install and wait. Raises Refused when the name is in use, NotInitialised when it does not become ready."""
        if call.preview:
            return "", {**call.inputs, "status": UNKNOWN, "resourceNames": UNKNOWN}
        given = bare(call.inputs)
        records = history(self._cluster.api, given["name"], given["namespace"])
        if records and not records[-1].status.startswith("pending"):
            raise Refused("cannot re-use a name that is still in use")
        if records:
            again = "this release was interrupted while it was installed; it is installed again"
            self._log("warning", call.urn, again)
        return self._deploy(call, given, records=[], revision=records[-1].revision if records else 1)

    def update(self, call: Call) -> Properties:
        """Upgrade and wait. Raises Refused when there is no release, NotInitialised when it does not become ready."""
        if call.preview:
            return {**call.inputs, "status": UNKNOWN, "resourceNames": UNKNOWN}
        given = bare(call.inputs)
        records = history(self._cluster.api, given["name"], given["namespace"])
        if not records:
            raise Refused(f'"{given["name"]}" has no deployed releases')
        return self._deploy(call, given, records=records, revision=records[-1].revision + 1)[1]

    def read(self, call: Call) -> tuple[str, Properties, Properties]:
        """The latest revision, as its Secret tells; an import takes its inputs from there too."""
        space, own = objects.parse_id(call.resource_id)
        records = history(self._cluster.api, own, space or self._cluster.default_namespace)
        if not records:
            return "", {}, {}
        record = records[-1]
        inputs = call.old.get(INPUTS) or call.old_inputs
        inputs = inputs.value if isinstance(inputs, Secret) else inputs
        if not inputs:
            inputs = {
                "name": record.release,
                "namespace": record.namespace,
                "chart": record.chart,
                "version": record.version,
                "values": dict(record.values),
                "timeout": _TIMEOUT,
            }
        return call.resource_id, _state(inputs, record), inputs

    def delete(self, call: Call) -> None:
        """Uninstall and, without `skipAwait`, wait. Definitions of custom resources stay. Raises Refused."""
        api = self._cluster.api
        space, own = objects.parse_id(call.resource_id)
        records = history(api, own, space or self._cluster.default_namespace)
        if not records:
            # an interrupted uninstall has already removed what there was
            return
        record, given = records[-1], bare(call.old)
        store(api, record.with_status("uninstalling", "Deletion in progress (or silently failed)"))
        deadline = time.monotonic() + float(call.timeout or given.get("timeout") or _TIMEOUT)
        try:
            self._run_hooks(_chart_hooks(given), "pre-delete", deadline)
            self._remove([obj for obj in record.objects if not _kept(obj)], deadline, wait=not given.get("skipAwait"))
            self._run_hooks(_chart_hooks(given), "post-delete", deadline)
        except (NotGone, NotReady, Failed) as error:
            raise Refused(f'uninstalling "{call.resource_id}" failed: {error}') from error
        except ApiError as error:
            raise Refused(f'uninstalling "{call.resource_id}" failed: {error}') from error
        forget(api, records)

    # --- installing

    def _deploy(self, call: Call, given: Properties, *, records: list[Record], revision: int) -> tuple[str, Properties]:
        resource_id = f"{given['namespace']}/{given['name']}"
        verb = "upgrade" if records else "install"
        everything = self._rendered(call, given)
        kept = [obj for obj in everything if not charts.is_hook(obj) and obj["kind"] != _DEFINITION]
        record = Record(
            release=given["name"],
            namespace=given["namespace"],
            revision=revision,
            status=f"pending-{verb}",
            chart=given["chart"].rpartition("/")[2],
            version=given["version"],
            values=given.get("values") or {},
            objects=[_owned(obj, given) for obj in kept],
            description="Preparing upgrade" if records else "Initial install underway",
        )
        try:
            self._ensure_namespace(given)
            store(self._cluster.api, record)
        except ApiError as error:
            raise Refused(f"create: failed to create: {error}") from error
        try:
            self._install(call, given, everything, record, records)
        except (Failed, NotGone, ApiError) as error:
            reasons = error.reasons if isinstance(error, Failed | NotGone) else []
            record = record.with_status("failed", f'Release "{record.release}" failed: {error}')
            self._after_failure(record, given, installing=not records)
            did = "was created, but failed" if not records else "failed"
            message = (
                f'Helm release "{resource_id}" {did} to initialize completely. Use Helm CLI to investigate: failed to '
                f"become available within allocated timeout. Error: Helm Release {resource_id}: {error}"
            )
            if given.get("atomic") and not records:
                raise Refused(message) from error
            raise NotInitialised(resource_id, _state(call.inputs, record), message, reasons) from error
        done = record.with_status("deployed", "Upgrade complete" if records else "Install complete")
        for old in records:
            # pending: an upgrade that was interrupted, and that this one repeats
            if old.status == "deployed" or old.status.startswith("pending"):
                store(self._cluster.api, old.with_status("superseded", old.description))
        store(self._cluster.api, done)
        self._prune(records, given.get("maxHistory"))
        return resource_id, _state({**call.inputs, "version": done.version}, done)

    def _rendered(self, call: Call, given: Properties) -> list[Object]:
        try:
            rendered = _render(given)
            # a version that was unknown in the check is settled here
            given["version"] = charts.find(given["chart"], given.get("version"), _repository(given))[1]
        except (charts.ChartUnavailable, charts.BadValues) as error:
            raise Refused(str(error)) from error
        return rendered

    def _install(
        self, call: Call, given: Properties, everything: list[Object], record: Record, records: list[Record]
    ) -> None:
        deadline = time.monotonic() + float(call.timeout or given.get("timeout") or _TIMEOUT)
        stage = "upgrade" if records else "install"
        hooks = [] if given.get("disableWebhooks") else [obj for obj in everything if charts.is_hook(obj)]
        before = records[-1].objects if records else []
        self._check_ownership(record, given)
        if not records:
            self._define([obj for obj in everything if obj["kind"] == _DEFINITION and not charts.is_hook(obj)])
        self._run_hooks(hooks, f"pre-{stage}", deadline)
        for obj in record.objects:
            self._cluster.api.apply(self._placed(obj, given), field_manager=_MANAGER)
        wanted = {_identity(obj) for obj in record.objects}
        self._remove([obj for obj in before if _identity(obj) not in wanted and not _kept(obj)], deadline, wait=False)
        if not given.get("skipAwait"):
            self._await(call, record, given, deadline)
        self._run_hooks(hooks, f"post-{stage}", deadline)

    def _define(self, definitions: list[Object]) -> None:
        for definition in definitions:
            try:
                self._cluster.api.create(definition, field_manager=_MANAGER)
            except ApiError as error:
                if error.reason != "AlreadyExists":
                    raise
        for definition in definitions:
            self._until(definition, lambda obj: _established(obj), 30)

    def _until(self, obj: Object, done: Any, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            live = self._cluster.api.read(obj["apiVersion"], obj["kind"], name(obj), namespace(obj))
            if live is not None and done(live):
                return
            time.sleep(0.1)
        raise Failed(f"{obj['kind']} {name(obj)} did not become usable within {seconds:g} s")

    def _await(self, call: Call, record: Record, given: Properties, deadline: float) -> None:
        kinds = (*_WAITED, "Job") if given.get("waitForJobs") else _WAITED
        for obj in record.objects:
            judge = judge_for(obj, self._cluster.api.read) if obj["kind"] in kinds else None
            if judge is None:
                continue
            try:
                until_ready(
                    self._cluster.api,
                    self._placed(obj, given),
                    judge,
                    seconds=max(1.0, deadline - time.monotonic()),
                    cancelled=self._cancelled,
                    report=lambda text, of=obj: self._log(
                        "info", call.urn, text and f"{name(of)}: {text}", fleeting=True
                    ),
                )
            except NotReady as error:
                raise Failed(f"{obj['kind']} {error}", error.reasons) from error

    def _run_hooks(self, hooks: Sequence[Object], event: str, deadline: float) -> None:
        """The hooks of one event, by weight; those that ran to success go as their policy says."""
        mine = [obj for obj in hooks if event in _listed(obj, _HOOK)]
        mine.sort(key=lambda obj: int(objects.annotation(obj, _HOOK_WEIGHT) or 0))
        api = self._cluster.api
        for obj in mine:
            policy = _listed(obj, _HOOK_POLICY) or ["before-hook-creation"]
            if "before-hook-creation" in policy:
                self._remove([obj], deadline, wait=True)
            api.create(obj, field_manager=_MANAGER)
            judge = judge_for(obj, api.read) if obj["kind"] in ("Job", "Pod") else None
            if judge is None:
                continue
            try:
                left = max(1.0, deadline - time.monotonic())
                until_ready(api, obj, judge, seconds=left, cancelled=self._cancelled)
            except NotReady as error:
                if "hook-failed" in policy:
                    self._remove([obj], deadline, wait=False)
                raise Failed(f"{event} hooks failed: {error}", error.reasons) from error
        done = [obj for obj in mine if "hook-succeeded" in _listed(obj, _HOOK_POLICY)]
        self._remove(done, deadline, wait=False)

    # --- objects

    def _placed(self, obj: Object, given: Mapping[str, Any]) -> Object:
        """With the release's namespace where the chart leaves it out."""
        if namespace(obj) or not self._cluster.namespaced(obj["apiVersion"], obj["kind"]):
            return obj
        return {**obj, "metadata": {**obj["metadata"], "namespace": given["namespace"]}}

    def _remove(self, targets: Sequence[Object], deadline: float, *, wait: bool) -> None:
        """Delete, last created first."""
        api = self._cluster.api
        found = [obj for obj in reversed(targets) if self._cluster.serves(obj["apiVersion"], obj["kind"])]
        gone = [
            obj
            for obj in found
            if api.delete(obj["apiVersion"], obj["kind"], name(obj), namespace(obj), propagation="Background")
        ]
        for obj in gone if wait else ():
            until_gone(api, obj, seconds=max(1.0, deadline - time.monotonic()), cancelled=self._cancelled)

    def _check_ownership(self, record: Record, given: Properties) -> None:
        """Helm takes over no object that does not say that it belongs to this very release."""
        for obj in record.objects:
            placed = self._placed(obj, given)
            live = self._cluster.api.read(obj["apiVersion"], obj["kind"], name(obj), namespace(placed))
            if live is not None and (wrong := list(_foreign(live, record))):
                raise Failed(
                    f'Unable to continue with install: {obj["kind"]} "{name(obj)}" in namespace '
                    f'"{namespace(placed) or ""}" exists and cannot be imported into the current release: invalid '
                    f"ownership metadata; {'; '.join(wrong)}"
                )

    def _ensure_namespace(self, given: Properties) -> None:
        if not given.get("createNamespace"):
            return
        obj = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": given["namespace"]}}
        obj["metadata"]["labels"] = {"name": given["namespace"]}
        try:
            self._cluster.api.create(obj, field_manager=_MANAGER)
        except ApiError as error:
            if error.reason != "AlreadyExists":
                raise

    def _after_failure(self, record: Record, given: Properties, *, installing: bool) -> None:
        store(self._cluster.api, record)
        if given.get("atomic") and installing:
            self._remove([obj for obj in record.objects if not _kept(obj)], time.monotonic() + _TIMEOUT, wait=True)
            forget(self._cluster.api, [record])

    def _prune(self, records: list[Record], limit: int | None) -> None:
        """Only so many revisions are kept; 0 or nothing means all."""
        if limit:
            forget(self._cluster.api, records[: max(0, len(records) + 1 - limit)])


def _render(given: Mapping[str, Any]) -> list[Object]:
    return charts.install(
        chart=given["chart"],
        version=given.get("version"),
        repo=_repository(given),
        values=given.get("values") or {},
        release_name=given["name"],
        namespace=given["namespace"],
        skip_crds=bool(given.get("skipCrds")),
    )


def _chart_hooks(given: Properties) -> list[Object]:
    """The chart's hooks; none when the chart cannot be had any more, as Helm then has its record to go by."""
    try:
        return [obj for obj in _render(given) if charts.is_hook(obj)]
    except (charts.ChartUnavailable, charts.BadValues, KeyError):
        return []


def _repository(given: Mapping[str, Any]) -> str | None:
    return (given.get("repositoryOpts") or {}).get("repo")


def _owned(obj: Object, given: Mapping[str, Any]) -> Object:
    """With the marks that Helm puts on what belongs to a release."""
    meta = obj["metadata"]
    annotations = {_RELEASE_NAME: given["name"], _RELEASE_NAMESPACE: given["namespace"]}
    labels = {**(meta.get("labels") or {}), _MANAGED_BY: "Helm"}
    marked = {**meta, "labels": labels, "annotations": {**(meta.get("annotations") or {}), **annotations}}
    return {**obj, "metadata": marked}


def _foreign(live: Object, record: Record) -> Iterator[str]:
    labels, annotations = live["metadata"].get("labels") or {}, live["metadata"].get("annotations") or {}
    if labels.get(_MANAGED_BY) != "Helm":
        yield f'label validation error: key "{_MANAGED_BY}" must be set to "Helm"'
    for key, wanted in ((_RELEASE_NAME, record.release), (_RELEASE_NAMESPACE, record.namespace)):
        if annotations.get(key) != wanted:
            yield f'annotation validation error: key "{key}" must be set to "{wanted}"'


def _state(inputs: Properties, record: Record) -> Properties:
    """The outputs. The inputs are kept as a secret as a whole, as the real provider does."""
    status = {
        "chart": record.chart,
        "name": record.release,
        "namespace": record.namespace,
        "revision": record.revision,
        "status": record.status,
        "version": record.version,
    }
    made = {"status": status, "resourceNames": resource_names(record.objects)}
    return {**hide(bare(inputs), inputs), **made, INPUTS: Secret(bare(inputs))}


def _established(definition: Object) -> bool:
    conditions = objects.get_path(definition, "status", "conditions") or ()
    return any(condition["type"] == "Established" and condition["status"] == "True" for condition in conditions)


def _listed(obj: Object, key: str) -> list[str]:
    return [part.strip() for part in objects.annotation(obj, key).split(",") if part.strip()]


def _kept(obj: Object) -> bool:
    return objects.annotation(obj, _KEEP) == "keep"


def _identity(obj: Object) -> tuple[str, str, str | None, str]:
    return obj["apiVersion"].rpartition("/")[0], obj["kind"], namespace(obj), name(obj)
