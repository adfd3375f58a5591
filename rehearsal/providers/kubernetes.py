"""The stand-in for pulumi-kubernetes 4.34: objects go to a real API server, which has the last word on them.

Stricter than the real provider where a rehearsal should be: inputs are held against the SDK's types, and fields that
the server does not know are errors instead of warnings. Not imitated: client-side apply, rendering to YAML, invokes,
and the components that live inside the real provider.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from typing import Any

import pulumi_kubernetes  # noqa: F401  (registers the types that inputs are held against)

from rehearsal.api import ApiError, Propagation
from rehearsal.providers import changes, objects
from rehearsal.providers.base import Call, Change, Diff, Log, NotInitialised, Provider, Refused
from rehearsal.providers.cluster import Cluster, Settings, active_cluster, as_text
from rehearsal.providers.fields import CREATOR, field_manager, taken_over
from rehearsal.providers.objects import FIELD_MANAGER, INITIAL_API_VERSION, INPUTS, Object, full_name, name, namespace
from rehearsal.providers.readiness import SNAPSHOT, ServiceJudge, judge_for
from rehearsal.providers.values import UNKNOWN, Properties, Secret, bare, has_unknown, hide
from rehearsal.providers.waiting import NotGone, NotReady, troubles, until_gone, until_ready
from rehearsal.sdk_types import violations

RELEASE = "kubernetes:helm.sh/v3:Release"
_CUSTOM_RESOURCE_DEFINITION = ("apiextensions.k8s.io/v1", "CustomResourceDefinition")
_TIMEOUT = 600.0
"""Seconds that the real provider waits for an object unless told otherwise."""
_RETRIES = 5
_FIRST_PAUSE = 0.5
_READ_BEFORE_DELETE_UNREACHABLE = 'PULUMI_K8S_DELETE_UNREACHABLE environment variable set to "true"'
_EXISTS = """

The resource already exists in the cluster. This can happen when:

  - Renaming a Pulumi resource: use an alias to preserve the identity,
    or use deleteBeforeReplace if the resource needs replacement.
  - Managing an existing resource: use a Patch resource (e.g. NamespacePatch)
    to manage specific fields without owning the resource lifecycle.
  - Adopting a resource into Pulumi: use `pulumi import`. Note that
    protected resources (e.g. kube-system) cannot be deleted on destroy.
  - Intentional upsert: set upsertExistingObjects on the provider to allow
    server-side apply to update existing objects on create."""


class Kubernetes(Provider):
    """Kubernetes objects and Helm releases on the cluster of the provider's kubeconfig."""

    name = "kubernetes"

    def __init__(self, log: Log) -> None:
        super().__init__(log)
        self._cluster: Cluster | None = None

    @property
    def cluster(self) -> Cluster:
        """The cluster, reachable or not. Raises Refused before `configure`."""
        if self._cluster is None:
            raise Refused("the kubernetes provider has not been configured yet")
        return self._cluster

    def configure(self, variables: Mapping[str, str]) -> None:
        """Connect; a cluster that does not answer fails only what needs it. Raises Refused for unknown settings."""
        self._cluster = Cluster(Settings.from_variables(variables))

    def diff_config(self, call: Call) -> Diff:
        """Only another cluster replaces the provider, not another way to the same one."""
        old, new = bare(call.old), bare(call.inputs)
        changed = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
        if not changed:
            return Diff()
        diff: dict[str, Change] = dict.fromkeys(changed, "update")
        identifier, before = new.get("clusterIdentifier"), old.get("clusterIdentifier")
        if identifier and identifier == before:
            return Diff(changes=diff)
        if identifier and before:
            diff["clusterIdentifier"] = "update-replace"
        connection = [key for key in ("kubeconfig", "context", "cluster") if key in diff]
        if connection and _points_elsewhere(old, new):
            diff |= dict.fromkeys(connection, "update-replace")
        return Diff(changes=diff)

    def check(self, call: Call) -> tuple[Properties, list[str]]:
        """As the SDK's types demand, with a name made up where there is none. Raises Refused for lists."""
        if call.token == RELEASE:
            return self._helm.check(call)
        if call.token.endswith("List") and "items" in call.inputs:
            raise Refused(
                "list resources exist for compatibility with YAML manifests and Helm charts, and cannot be created "
                "directly. Use the underlying resource type instead"
            )
        inputs = _named(call)
        if (wrong := violations(call.token, bare(inputs))) or not isinstance(bare(inputs.get("metadata")), Mapping):
            return inputs, wrong
        obj = bare(inputs)
        if obj["metadata"].get("generateName"):
            raise Refused("the `.metadata.generateName` field is not supported in Server-Side Apply mode")
        if not namespace(obj) and self.cluster.reachable and self.cluster.namespaced(obj["apiVersion"], obj["kind"]):
            inputs = _with_metadata(inputs, namespace=self.cluster.default_namespace)
        return inputs, []

    def diff(self, call: Call) -> Diff:
        """Old inputs against new ones, then narrowed to what a dry run on the server would really change."""
        if call.token == RELEASE:
            return self._helm.diff(call)
        wanted = objects.normalise(objects.to_object(bare(call.inputs)))
        old_inputs, live = _from_state(call.old)
        old_inputs = old_inputs or objects.to_object(bare(call.old_inputs))
        pruned = objects.prune(live, objects.normalise(old_inputs))
        pruned["metadata"] = {**pruned.get("metadata", {}), "name": name(live)}
        self._settle_namespaces(pruned, wanted)
        found = dict(changes.changes(pruned, wanted))
        settings = self.cluster.settings
        fixed = (
            ("metadata.name", "metadata.namespace")
            if _is_patch(call)
            else changes.force_new(
                wanted,
                mutable_secrets=settings.enable_secret_mutable,
                mutable_config_maps=settings.enable_config_map_mutable,
            )
        )
        found = changes.with_replacement(iter(found.items()), wanted, fixed)
        if found:
            found = self._only_what_the_server_would_change(found, wanted, call)
        shown = {_display(path, call.inputs): change for path, change in found.items()}
        shown = changes.ignoring(shown, call.ignore_changes)
        unready = self._unready_job(wanted, live)
        replaced = bool(unready) or any(change.endswith("-replace") for change in shown.values())
        return Diff(changes=shown, also_replace=unready, delete_first=replaced and _keeps_its_name(wanted, live))

    def create(self, call: Call) -> tuple[str, Properties]:
        """Create and wait until ready. Raises Refused when the server refuses, NotInitialised when the wait fails."""
        if call.token == RELEASE:
            return self._helm.create(call)
        obj = objects.to_object(bare(call.inputs))
        if call.preview:
            return "", self._previewed_create(call, obj)
        manager = objects.annotation(obj, objects.PATCH_FIELD_MANAGER) or field_manager(call.urn)
        try:
            live = self._post(call, obj, manager)
        except ApiError as error:
            raise _not_created(call, obj, error) from error
        state = _state(call.inputs, live, manager)
        try:
            live = self._wait(call, obj, live)
        except NotReady as error:
            message = (
                f'resource "{call.urn}" was successfully created, but the Kubernetes API server '
                f"reported that it failed to fully initialize or become live: {error}"
            )
            raise NotInitialised(
                full_name(live), _state(call.inputs, error.live, manager), message, error.reasons
            ) from error
        except ValueError as error:
            raise NotInitialised(full_name(live), state, str(error), []) from error
        return full_name(live), _state(call.inputs, live, manager)

    def update(self, call: Call) -> Properties:
        """Apply and wait until ready. Raises Refused, or NotInitialised once the live object may have changed."""
        if call.token == RELEASE:
            return self._helm.update(call)
        obj = objects.to_object(bare(call.inputs))
        if call.preview and (has_unknown(obj) or not self.cluster.serves(obj["apiVersion"], obj["kind"])):
            return call.inputs
        _, before = _from_state(call.old)
        manager = call.old.get(FIELD_MANAGER) or field_manager(call.urn)
        api = self.cluster.api
        live = api.read(obj["apiVersion"], obj["kind"], name(before), namespace(before))
        if live is None:
            raise Refused(f'update of resource "{call.urn}" failed: {full_name(before)} not found')
        obj = _with_object_name(obj, live)
        try:
            changed = self._apply(call, obj, live, manager)
        except ApiError as error:
            if call.preview:
                if error.status == 403:
                    return call.inputs
                raise Refused(f'update of resource "{call.urn}" failed: {_words(error, manager)}') from error
            message = f'the Kubernetes API server reported that "{full_name(live)}" failed to fully initialize or '
            message += f"become live: {_words(error, manager)}"
            raise NotInitialised(full_name(live), _state(call.inputs, live, manager), message, []) from error
        if call.preview:
            return _state(call.inputs, _without_status(changed, obj), manager)
        try:
            return _state(call.inputs, self._wait(call, obj, changed), manager)
        except NotReady as error:
            message = f'the Kubernetes API server reported that "{full_name(live)}" failed to fully initialize or '
            message += f"become live: {error}"
            raise NotInitialised(
                full_name(live), _state(call.inputs, error.live, manager), message, error.reasons
            ) from error
        except ValueError as error:
            raise NotInitialised(full_name(live), _state(call.inputs, changed, manager), str(error), []) from error

    def read(self, call: Call) -> tuple[str, Properties, Properties]:
        """The live object. Raises NotInitialised when it is not ready, Refused when no cluster answers."""
        cluster = self.cluster
        if not cluster.reachable:
            return self._read_unreachable(call)
        if call.token == RELEASE:
            return self._helm.read(call)
        space, own = objects.parse_id(call.resource_id)
        api_version, kind = _kind(call)
        live = cluster.api.read(api_version, kind, own, space)
        if live is None:
            return "", {}, {}
        known = objects.to_object(bare(call.old_inputs))
        inputs = hide(objects.from_object(objects.live_inputs(live, known)), call.old_inputs)
        manager = call.old.get(FIELD_MANAGER) or field_manager(call.urn)
        state = _state(inputs, live, manager)
        if known and (api_version, kind) in SNAPSHOT:
            self._raise_unless_ready(call, known, live, state, inputs)
        return call.resource_id or full_name(live), state, inputs

    def delete(self, call: Call) -> None:
        """Delete and wait. A patch gives its fields back instead. Raises NotInitialised when the wait fails."""
        cluster = self.cluster
        if not cluster.reachable:
            self._delete_unreachable(call)
            return
        if call.token == RELEASE:
            self._helm.delete(call)
            return
        inputs, before = _from_state(call.old)
        space, own = objects.parse_id(call.resource_id)
        if _is_patch(call):
            self._relinquish(before, call.old.get(FIELD_MANAGER, ""))
            return
        policy = objects.annotation(inputs, objects.DELETION_PROPAGATION).lower()
        propagation = _PROPAGATION.get(policy, "Foreground")
        target: Object = {**before, "metadata": {**before["metadata"], "name": own, "namespace": space}}
        api = cluster.api
        try:
            there = api.delete(target["apiVersion"], target["kind"], own, space, propagation=propagation)
        except ApiError as error:
            raise Refused(f'"{full_name(target)}" could not be deleted: {error}') from error
        if not there or (objects.is_set(inputs, objects.SKIP_AWAIT) and target["kind"] in _DELETED_UNWATCHED):
            return
        seconds = objects.timeout(call.timeout, inputs, _TIMEOUT)
        try:
            until_gone(api, target, seconds=seconds, cancelled=self.cancelled)
        except NotGone as error:
            state = _state(call.old.get(INPUTS) or {}, error.live, call.old.get(FIELD_MANAGER, ""))
            raise NotInitialised(call.resource_id, state, str(error), error.reasons) from error

    # --- the parts of a create and an update

    @property
    def _helm(self) -> Any:
        from rehearsal.providers.helm import Releases

        return Releases(self.cluster, self.log, self.cancelled)

    def _previewed_create(self, call: Call, obj: Object) -> Properties:
        unknown = has_unknown(obj) or not self.cluster.serves(obj["apiVersion"], obj["kind"])
        if unknown or _is_patch(call):
            return call.inputs
        try:
            planned = self.cluster.api.create(obj, dry_run=True, field_manager=CREATOR, strict=True)
        except ApiError as error:
            # what a preview cannot know better: a namespace still to come, and an object that will be replaced
            if error.status in (403, 404) or error.reason == "AlreadyExists":
                return call.inputs
            raise _not_created(call, obj, error) from error
        return _state(call.inputs, _without_status(planned, obj), "")

    def _post(self, call: Call, obj: Object, manager: str) -> Object:
        """Create; a namespace or a CRD may come a moment later than what needs it."""
        pause = _FIRST_PAUSE
        for attempt in range(_RETRIES + 1):
            try:
                if self.cluster.settings.upsert_existing_objects or _is_patch(call):
                    return self.cluster.api.apply(obj, field_manager=manager, force=self._forced(obj), strict=True)
                return self.cluster.api.create(obj, field_manager=CREATOR, strict=True)
            except ApiError as error:
                if error.status != 404 or attempt == _RETRIES or self.cancelled.is_set():
                    raise
                retry = f"Retry #{attempt + 1}; creation failed: {error}"
                self.log("info", call.urn, retry, fleeting=True)
                time.sleep(pause)
                pause *= 2
        raise AssertionError("unreachable")

    def _forced(self, obj: Object) -> bool:
        return self.cluster.settings.enable_patch_force or objects.is_set(obj, objects.PATCH_FORCE)

    def _apply(self, call: Call, obj: Object, live: Object, manager: str) -> Object:
        api = self.cluster.api
        if (obj["apiVersion"], obj["kind"]) == _CUSTOM_RESOURCE_DEFINITION:
            version = live["metadata"]["resourceVersion"]
            replaced = {**obj, "metadata": {**obj["metadata"], "resourceVersion": version}}
            return api.replace(replaced, dry_run=call.preview, field_manager=manager)
        if call.preview:
            return api.apply(obj, dry_run=True, field_manager=manager, force=True, strict=True)
        if not _is_patch(call):
            taken_over(api, live, manager)
        return api.apply(obj, field_manager=manager, force=self._forced(obj), strict=True)

    def _wait(self, call: Call, inputs: Object, live: Object) -> Object:
        judge = judge_for(inputs, self.cluster.api.read)
        if judge is None:
            return live
        return until_ready(
            self.cluster.api,
            live,
            judge,
            seconds=objects.timeout(call.timeout, inputs, _TIMEOUT),
            cancelled=self.cancelled,
            report=lambda text: self.log("info", call.urn, text, fleeting=True),
        )

    def _raise_unless_ready(
        self, call: Call, known: Object, live: Object, state: Properties, inputs: Properties
    ) -> None:
        judge = judge_for(known, self.cluster.api.read)
        if judge is None or objects.annotation(known, objects.WAIT_FOR):
            return
        progress = judge.at_once(live) if isinstance(judge, ServiceJudge) else judge(live)
        if progress.ready:
            return
        message = f"Resource '{name(live)}' was created but failed to initialize"
        reasons = [*filter(None, [progress.failed]), *progress.waiting_for, *troubles(self.cluster.api, live)]
        raise NotInitialised(call.resource_id, state, message, reasons, inputs)

    def _relinquish(self, before: Object, manager: str) -> None:
        """Give the fields of a patch back: applying nothing removes what only this manager set."""
        nothing = {
            "apiVersion": before["apiVersion"],
            "kind": before["kind"],
            "metadata": {"name": name(before), "namespace": namespace(before)},
        }
        api = self.cluster.api
        if api.read(before["apiVersion"], before["kind"], name(before), namespace(before)) is not None:
            api.apply(objects.to_object(nothing), field_manager=manager)

    # --- the parts of a diff

    def _settle_namespaces(self, pruned: Object, wanted: Object) -> None:
        """`default` given or not is the same, and so is any namespace of an object that lives in none."""
        namespaced = self.cluster.namespaced(wanted["apiVersion"], wanted["kind"])
        for obj in (pruned, wanted):
            if isinstance(obj.get("metadata"), Mapping):
                settled = dict(obj["metadata"])
                if namespaced:
                    settled["namespace"] = settled.get("namespace") or self.cluster.default_namespace
                else:
                    settled.pop("namespace", None)
                obj["metadata"] = settled

    def _only_what_the_server_would_change(
        self, found: dict[changes.Path, Change], wanted: Object, call: Call
    ) -> dict[changes.Path, Change]:
        """Ask the server for an honest answer, where it can be asked: not about unknowns, nor about replacements."""
        asked = not has_unknown(wanted) and self.cluster.serves(wanted["apiVersion"], wanted["kind"])
        if not asked or _is_patch(call) or any(change.endswith("-replace") for change in found.values()):
            return found
        try:
            api = self.cluster.api
            live = api.read(wanted["apiVersion"], wanted["kind"], name(wanted), namespace(wanted))
            if live is None:
                return found
            manager = call.old.get(FIELD_MANAGER) or CREATOR
            planned = api.apply(wanted, dry_run=True, field_manager=manager, force=True)
        except ApiError:
            # the update itself will say what the server minds
            return found
        return dict(changes.honest(iter(found.items()), live, planned))

    def _unready_job(self, wanted: Object, live: Object) -> tuple[str, ...]:
        if not objects.is_set(wanted, objects.REPLACE_UNREADY) or wanted["kind"] != "Job":
            return ()
        if not self.cluster.reachable:
            return ()
        now = self.cluster.api.read("batch/v1", "Job", name(live), namespace(live))
        judge = judge_for({"apiVersion": "batch/v1", "kind": "Job"}, self.cluster.api.read)
        if now is None or judge is None or judge(now).ready:
            return ()
        return (f'.metadata.annotations["{objects.REPLACE_UNREADY}"]',)

    # --- without a cluster

    def _read_unreachable(self, call: Call) -> tuple[str, Properties, Properties]:
        cluster = self.cluster
        self.log("warning", call.urn, f"configured Kubernetes cluster is unreachable: {cluster.why_not}")
        if cluster.settings.delete_unreachable:
            return "", {}, {}
        if cluster.settings.skip_update_unreachable:
            return call.resource_id, call.old, call.old_inputs
        raise Refused(
            "failed to read resource state due to unreachable cluster. If the cluster was deleted, you can remove "
            f"this resource from Pulumi state by rerunning the operation with the {_READ_BEFORE_DELETE_UNREACHABLE}"
        )

    def _delete_unreachable(self, call: Call) -> None:
        self.log("warning", call.urn, f"configured Kubernetes cluster is unreachable: {self.cluster.why_not}")
        if call.token == RELEASE:
            raise Refused(f'can\'t delete Helm Release with unreachable cluster. Reason: "{self.cluster.why_not}"')
        if not self.cluster.settings.delete_unreachable:
            raise Refused(
                "configured Kubernetes cluster is unreachable. If the cluster was deleted, you can remove this "
                "resource from Pulumi state by rerunning the operation with the "
                f"{_READ_BEFORE_DELETE_UNREACHABLE}"
            )


_PROPAGATION: dict[str, Propagation] = {"orphan": "Orphan", "background": "Background"}
_DELETED_UNWATCHED = {"Namespace", "Pod", "ReplicationController", "DaemonSet", "Deployment", "StatefulSet", "Job"}
"""Kinds whose `skipAwait` annotation also holds for deletion."""


def _points_elsewhere(old: Properties, new: Properties) -> bool:
    keys = ("kubeconfig", "context", "cluster")
    if any(has_unknown(new.get(key)) for key in keys):
        return True
    before, now = (active_cluster(*(as_text(side.get(key)) for key in keys)) for side in (old, new))
    return before is not None and now is not None and before != now


def _kind(call: Call) -> tuple[str, str]:
    """apiVersion and kind, from what is known of the object, else from the type's token."""
    for known in (bare(call.old_inputs), bare(call.old)):
        if known.get("apiVersion") and known.get("kind"):
            return known["apiVersion"], known["kind"]
    _, module, kind = call.token.split(":")
    group, _, version = module.partition("/")
    api_version = version if group == "core" else f"{group}/{version}"
    return api_version, kind.removesuffix("Patch")


def _is_patch(call: Call) -> bool:
    kind = call.token.rpartition(":")[2]
    given = call.inputs.get("kind") or (call.old.get(INPUTS) or {}).get("kind") or call.old.get("kind")
    return kind.endswith("Patch") and given != kind


def _named(call: Call) -> Properties:
    """The inputs with a name: given, or that of before, or `<resource>-<8 hex digits>` marked as made up."""
    meta = bare(call.inputs.get("metadata", {}))
    if not isinstance(meta, Mapping) or meta.get("name") or meta.get("generateName"):
        return call.inputs
    if _is_patch(call):
        raise Refused("patch resources require the `.metadata.name` field to be set")
    before = bare(call.old_inputs)
    if before and not objects.is_set(before, objects.AUTONAMED):
        return call.inputs
    # of the engine's seed, so that preview and update agree
    suffix = (call.seed.hex() or secrets.token_hex(4))[:8]
    own = name(before) or f"{call.name}-{suffix}"
    inputs = _with_metadata(call.inputs, name=own)
    given = meta.get("annotations")
    annotations = {**given, objects.AUTONAMED: "true"} if isinstance(given, Mapping) else {objects.AUTONAMED: "true"}
    return inputs if given == UNKNOWN else _with_metadata(inputs, annotations=annotations)


def _with_metadata(inputs: Properties, **changed: Any) -> Properties:
    meta = inputs.get("metadata") or {}
    if isinstance(meta, Secret):
        return {**inputs, "metadata": Secret({**meta.value, **changed})}
    return {**inputs, "metadata": {**meta, **changed}}


def _with_object_name(obj: Object, live: Object) -> Object:
    kept = {key: live["metadata"][key] for key in ("name", "namespace") if key in live["metadata"]}
    return {**obj, "metadata": {**(obj.get("metadata") or {}), **kept}}


def _from_state(state: Properties) -> tuple[Object, Object]:
    """Inputs and live object that a state was made of."""
    known = bare(state)
    inputs = objects.to_object(known.pop(INPUTS, {}))
    for key in (INITIAL_API_VERSION, FIELD_MANAGER):
        known.pop(key, None)
    return inputs, objects.to_object(known)


def _state(inputs: Properties, live: Object, manager: str) -> Properties:
    """What the engine remembers: the live object and the inputs, secret where the inputs are.

    Unlike with the real provider, who owns which field is left out: it doubles the state and nobody reads it there.
    """
    shown = {key: value for key, value in live["metadata"].items() if key != "managedFields"}
    outputs = hide(objects.from_object({**live, "metadata": shown}), inputs)
    text = inputs.get("stringData")
    if text is not None and live.get("kind") == "Secret" and "data" in outputs:
        outputs["data"] = outputs["data"] if isinstance(outputs["data"], Secret) else Secret(outputs["data"])
    return {
        **outputs,
        INPUTS: hide(bare(inputs), inputs),
        INITIAL_API_VERSION: live.get("apiVersion", ""),
        FIELD_MANAGER: manager,
    }


def _without_status(planned: Object, asked: Object) -> Object:
    """A dry run's object without what will come out differently when it is made."""
    meta = {
        key: value
        for key, value in planned["metadata"].items()
        if key not in ("uid", "resourceVersion", "creationTimestamp", "managedFields", "generation")
    }
    kept = {**planned, "metadata": meta}
    kept.pop("status", None)
    if planned["kind"] == "Service":
        given = asked.get("spec") or {}
        addresses = {"clusterIP", "clusterIPs"} - given.keys()
        kept["spec"] = {key: value for key, value in planned["spec"].items() if key not in addresses}
    return kept


def _display(path: changes.Path, inputs: Properties) -> str:
    text = bare(inputs.get("stringData"))
    if path[0] == "data" and isinstance(text, Mapping) and (len(path) == 1 or path[1] in text):
        path = ("stringData", *path[1:])
    return changes.display(path)


def _keeps_its_name(wanted: Object, live: Object) -> bool:
    same = (name(wanted), namespace(wanted)) == (name(live), namespace(live))
    return bool(name(wanted)) and same and not objects.is_set(wanted, objects.AUTONAMED)


def _not_created(call: Call, obj: Object, error: ApiError) -> Refused:
    if error.reason == "NoMatch":
        kind = f"{obj['apiVersion']}/{obj['kind']}"
        return Refused(
            f'creation of resource "{call.urn}" with kind {kind} failed because the Kubernetes API server reported '
            "that the apiVersion for this resource does not exist. Verify that any required CRDs have been created: "
            f"{error}"
        )
    more = _EXISTS if error.reason == "AlreadyExists" else ""
    return Refused(f'resource "{call.urn}" was not successfully created by the Kubernetes API server: {error}{more}')


def _words(error: ApiError, manager: str) -> str:
    if error.reason != "Conflict":
        return str(error)
    return (
        "server-side apply field conflict detected, see https://www.pulumi.com/registry/packages/kubernetes/"
        "how-to-guides/managing-resources-with-server-side-apply/#handle-field-conflicts-on-existing-resources "
        f'for troubleshooting help\nThe resource managed by field manager "{manager}" had an apply conflict: {error}'
    )
