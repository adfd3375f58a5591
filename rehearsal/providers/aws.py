"""The stand-in for pulumi-aws 7: resources that exist in an account on paper, with AWS's own conditions.

What is checked and played is told in `rehearsal.aws`. What the real provider would only notice at the end of a long
wait is noticed here too, at the same point and in the same words; what it cannot notice, such as a quota of a real
account, is not.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pulumi_aws  # noqa: F401  (registers the types that inputs are held against)

from rehearsal import sdk_types
from rehearsal.aws import injection, invokes, naming, places, secrecy, services
from rehearsal.aws.account import FALLBACK_ID, Account, Record
from rehearsal.aws.behaviour import Moment, behaviours
from rehearsal.aws.force_new import differences, rules
from rehearsal.aws.outputs import complete, judgeable, previewed
from rehearsal.aws.pace import Pace
from rehearsal.aws.settings import Settings, reads_as
from rehearsal.aws.wording import kind_of, service_of
from rehearsal.providers.base import Call, Diff, Log, NotInitialised, Provider, Refused
from rehearsal.providers.values import UNKNOWN, Properties, bare, has_unknown, hide
from rehearsal.sdk_types import violations


class Aws(Provider):
    """Every resource of the SDK; those that the project uses behave, the others exist."""

    name = "aws"

    def __init__(self, log: Log) -> None:
        super().__init__(log)
        self._settings: Settings | None = None
        self._pace = Pace(self.cancelled)
        services.load()

    @property
    def settings(self) -> Settings:
        """Account and region. Raises Refused before `configure`."""
        if self._settings is None:
            raise Refused("the aws provider has not been configured yet")
        return self._settings

    def check_config(self, call: Call) -> tuple[Properties, list[str]]:
        """As the SDK's types demand, with a region that exists."""
        inputs, wrong = super().check_config(call)
        return inputs, [*wrong, *reads_as(bare(inputs))]

    def diff_config(self, call: Call) -> Diff:
        """Another region replaces everything: what is there cannot move."""
        old, new = bare(call.old), bare(call.inputs)
        changed = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key) and key != "version")
        return Diff(changes={key: "update-replace" if key == "region" else "update" for key in changed})

    def configure(self, variables: Mapping[str, str]) -> None:
        """Take up account and region. Raises Refused for an account that is not allowed."""
        account = Account.here()
        wanted = Settings.from_variables(variables)
        self._settings = wanted.of_account(
            account.call_it(wanted.assumed_account or wanted.first_allowed or FALLBACK_ID)
        )

    # --- resources

    def check(self, call: Call) -> tuple[Properties, list[str]]:
        """The inputs with name, description and all tags filled in, and what AWS's documented limits say of them."""
        wrong = violations(call.token, bare(call.inputs))
        if wrong:
            return call.inputs, wrong
        inputs = {**call.inputs, **naming.described(call.token, call.inputs)}
        if name := naming.named(call.token, call.name, call.inputs, bare(call.old_inputs), call.seed):
            inputs[name[0]] = name[1]
        if "tagsAll" in sdk_types.output_types(call.token):
            inputs |= self._all_tags(inputs)
        moment = self._moment(call)
        plain = judgeable(call.token, bare(inputs))
        return inputs, [problem for each in behaviours(call.token) for problem in each.check(moment, plain)]

    def diff(self, call: Call) -> Diff:
        """Old inputs against new ones; a replacement deletes first where both would have the same name."""
        old, new = bare(call.old_inputs), bare(call.inputs)
        found = differences(call.token, old, new, call.ignore_changes, state=bare(call.old))
        replaced = any(change.endswith("-replace") for change in found.values())
        key = naming.field(call.token)
        name = new.get(key) if key else None
        # a name that the provider made up is drawn anew for the replacement
        given = isinstance(name, str) and name != UNKNOWN and not naming.is_drawn(call.token, call.name, name)
        return Diff(changes=found, delete_first=replaced and given and old.get(key) == name)

    def create(self, call: Call) -> tuple[str, Properties]:
        """Ask AWS, wait, and know the outputs. Raises Refused, or NotInitialised for what exists but is not ready."""
        if call.preview:
            return "", previewed(call.token, call.inputs)
        moment, inputs = self._moment(call), bare(call.inputs)
        kinds = behaviours(call.token)
        late = self._faults(moment, "create")
        with moment.account.one_at_a_time():
            for each in kinds:
                each.admit(moment, inputs)
            resource_id, outputs = complete(moment, inputs)
            self._put(moment, resource_id, call.inputs, hide(outputs, call.inputs), urn=call.urn)
        try:
            self._pace.live_through(moment, "create", inputs, late)
            for each in kinds:
                outputs |= each.created(self._moment(call, resource_id), outputs)
        except Refused as error:
            made = hide(outputs, call.inputs)
            self._put(moment, resource_id, call.inputs, made)
            raise NotInitialised(resource_id, made, _failed("creating", call, resource_id, error), []) from error
        made = hide(outputs, call.inputs)
        self._put(moment, resource_id, call.inputs, made)
        return resource_id, made

    def read(self, call: Call) -> tuple[str, Properties, Properties]:
        """What the account has; an id of nothing is gone."""
        moment = self._moment(call)
        self._faults(moment, "read")
        record = self.settings.account.get(call.token, call.resource_id)
        if record is None:
            return "", {}, {}
        outputs = secrecy.unveiled(record.outputs, {**call.old_inputs, **call.old})
        for each in behaviours(call.token):
            outputs |= each.refreshed(moment, outputs)
        wanted = sdk_types.input_types(call.token).keys() & record.inputs.keys()
        inputs = call.old_inputs or {key: outputs[key] for key in wanted if key in outputs}
        return record.id, outputs, _drifted(inputs, call.old, outputs)

    def update(self, call: Call) -> Properties:
        """Change in place. Raises Refused when AWS refuses, NotInitialised when the change did not come to its end."""
        if call.preview:
            return previewed(call.token, call.inputs, call.old)
        moment = self._moment(call)
        record = self.settings.account.get(call.token, call.resource_id)
        if record is None:
            raise Refused(
                f"updating {service_of(call.token)} {kind_of(call.token)} ({call.resource_id}): couldn't find resource"
            )
        before, inputs = bare(call.old), bare(call.inputs)
        late = self._faults(moment, "update")
        changed = [key for key in before.keys() | inputs.keys() if key in inputs and before.get(key) != inputs[key]]
        for each in behaviours(call.token):
            each.admit_update(moment, before, inputs)
        outputs = _merged(call, before, inputs)
        for each in behaviours(call.token):
            outputs |= each.outputs(moment, call.resource_id, outputs)
        try:
            self._pace.live_through(moment, "update", inputs, late, changed)
            for each in behaviours(call.token):
                outputs |= each.updated(moment, outputs)
        except Refused as error:
            made = hide(outputs, call.inputs)
            self._put(moment, call.resource_id, call.inputs, made)
            raise NotInitialised(
                call.resource_id, made, _failed("updating", call, call.resource_id, error), []
            ) from error
        made = hide(outputs, call.inputs)
        self._put(moment, call.resource_id, call.inputs, made)
        return made

    def delete(self, call: Call) -> None:
        """Delete and wait; what is gone already is fine. Raises Refused for what AWS would not let go."""
        moment = self._moment(call)
        if self.settings.account.get(call.token, call.resource_id) is None:
            return
        outputs = bare(call.old)
        late = self._faults(moment, "delete")
        for each in behaviours(call.token):
            each.admit_delete(moment, outputs)
        self._pace.live_through(moment, "delete", outputs, late)
        for each in reversed(behaviours(call.token)):
            each.deleted(moment, outputs)
        self.settings.account.delete(call.token, call.resource_id)

    def invoke(self, token: str, arguments: Properties) -> Properties:
        """Answer from the account. Raises Refused by name for functions that are not played."""
        answer = invokes.find(token)
        if answer is None:
            return super().invoke(token, arguments)
        call = Call(urn=f"urn:pulumi:x::x::{token}::{token}", inputs=arguments)
        moment = self._moment(call)
        self._faults(moment, "invoke")
        return answer(moment, bare(arguments))

    # --- the parts

    def _moment(self, call: Call, resource_id: str = "") -> Moment:
        settings = self.settings
        if resource_id:
            call = replace(call, resource_id=resource_id)
        given = bare(call.inputs).get("region") or bare(call.old).get("region")
        region = given if isinstance(given, str) and given not in ("", UNKNOWN) else settings.region
        place = places.partition(region)

        def say(message: str, *, fleeting: bool = True, warning: bool = False) -> None:
            self.log("warning" if warning else "info", call.urn, message, fleeting=fleeting)

        return Moment(
            account=settings.account,
            account_id=settings.account_id,
            region=region,
            partition=place.name,
            dns_suffix=place.dns_suffix,
            call=call,
            say=say,
            wait=self._pace.wait,
        )

    def _all_tags(self, inputs: Properties) -> Properties:
        tags = inputs.get("tags")
        if has_unknown(tags) and not isinstance(bare(tags), Mapping):
            return {"tagsAll": UNKNOWN}
        merged = {**self.settings.default_tags, **(bare(tags) or {})}
        return {"tagsAll": merged} if merged else {}

    def _faults(self, moment: Moment, operation: injection.Operation) -> injection.TimedOut | None:
        """Play what is due. A time-out is returned, since the request itself went through."""
        try:
            injection.play(moment.account, operation, moment.token, moment.call.name, moment.wait, moment.say)
        except injection.TimedOut as late:
            if operation in ("read", "invoke"):
                raise
            return late
        return None

    def _put(
        self, moment: Moment, resource_id: str, inputs: Properties, outputs: Properties, *, urn: str | None = None
    ) -> None:
        known = moment.account.get(moment.token, resource_id)
        moment.account.put(
            Record(
                token=moment.token,
                id=resource_id,
                region=moment.region if "region" in sdk_types.output_types(moment.token) else "",
                inputs=secrecy.veiled(inputs),
                outputs=secrecy.veiled(outputs),
                brought=known.brought if known else False,
            ),
            urn=urn,
        )


def _failed(doing: str, call: Call, resource_id: str, error: Refused) -> str:
    return f"{doing} {service_of(call.token)} {kind_of(call.token)} ({resource_id}): {error}"


def _merged(call: Call, before: Mapping[str, Any], inputs: Mapping[str, Any]) -> Properties:
    """The state after a change: what the program gives, what AWS added, and what it keeps though it is given no more."""
    kept = set(rules(call.token).kept)
    dropped = {key for key in call.old_inputs if key not in call.inputs and key not in kept}
    outputs = {key: value for key, value in before.items() if key not in dropped}
    given = bare(call.old_inputs)
    for key, value in inputs.items():
        if isinstance(value, Mapping) and isinstance(before.get(key), Mapping) and isinstance(given.get(key), Mapping):
            added = {inner: own for inner, own in before[key].items() if inner not in given[key]}
            value = {**added, **value} if key not in ("tags", "tagsAll") else value
        outputs[key] = value
    return outputs


def _drifted(inputs: Properties, old: Properties, now: Properties) -> Properties:
    """The inputs with what somebody changed behind the program's back."""
    before, after = bare(old), bare(now)
    changed = {
        key: now.get(key)
        for key in inputs
        if key in after and json.dumps(before.get(key), sort_keys=True) != json.dumps(after[key], sort_keys=True)
    }
    return {**inputs, **changed}
