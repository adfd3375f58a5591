"""WAF v2, Secrets Manager, SNS and SQS: small things that need their own forms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rehearsal.providers.values import Properties

from ..behaviour import Behaviour, Moment, api_error, register
from .identities import drawn_uuid
from .limits import between, matching


@register("aws:wafv2/webAcl:WebAcl")
class WebAcl(Behaviour):
    """Rules in front of a load balancer."""

    def check(self, at: Moment, inputs: Mapping[str, Any]) -> Iterable[str]:
        """Source: WAFV2 API, CreateWebACL."""
        yield from matching(inputs, "name", r"[\w-]{1,128}", "1 to 128 letters, digits, hyphens and underscores")
        if inputs.get("scope") == "CLOUDFRONT" and at.region != "us-east-1":
            yield "scope: CLOUDFRONT is for the region us-east-1"

    def outputs(self, at: Moment, resource_id: str, outputs: Properties) -> Properties:
        """Capacity and the lock token."""
        return {
            "capacity": outputs.get("capacity") or 700,
            "lockToken": outputs.get("lockToken") or drawn_uuid(at, "lock"),
            "applicationIntegrationUrl": "",
        }


@register("aws:secretsmanager/secret:Secret")
class Secret(Behaviour):
    """A name for secret values, which stays taken for a while after it is deleted."""

    TAKEN = "names of deleted secrets"

    def check(self, at: Moment, inputs: Mapping[str, Any]) -> Iterable[str]:
        """Source: Secrets Manager API, CreateSecret and DeleteSecret."""
        yield from matching(inputs, "name", r"[A-Za-z0-9/_+=.@-]{1,512}", "1 to 512 letters, digits and / _ + = . @ -")
        if inputs.get("recoveryWindowInDays") != 0:
            yield from between(inputs, "recoveryWindowInDays", 7, 30, "Secrets Manager API")

    def admit(self, at: Moment, inputs: Mapping[str, Any]) -> None:
        """The name of a deleted secret is free only when its recovery window has passed."""
        if f"{at.region} {inputs['name']}" in at.account.facts(self.TAKEN):
            message = "You can't create this secret because a secret with this name is already scheduled for deletion."
            raise api_error("Secrets Manager", "CreateSecret", "InvalidRequestException", message)

    def deleted(self, at: Moment, outputs: Mapping[str, Any]) -> None:
        """Scheduled for deletion."""
        if outputs.get("recoveryWindowInDays") != 0:
            at.account.remember(self.TAKEN, f"{at.region} {outputs['name']}")


@register("aws:sns/topic:Topic")
class Topic(Behaviour):
    """A topic."""

    def check(self, at: Moment, inputs: Mapping[str, Any]) -> Iterable[str]:
        """Source: SNS API, CreateTopic."""
        yield from matching(inputs, "name", r"[A-Za-z0-9_-]{1,256}(\.fifo)?", "1 to 256 letters, digits, _ and -")

    def outputs(self, at: Moment, resource_id: str, outputs: Properties) -> Properties:
        """The owner."""
        return {"arn": resource_id, "owner": at.account_id}


@register("aws:sqs/queue:Queue")
class Queue(Behaviour):
    """A queue."""

    def check(self, at: Moment, inputs: Mapping[str, Any]) -> Iterable[str]:
        """Source: SQS API, CreateQueue."""
        yield from matching(inputs, "name", r"[A-Za-z0-9_-]{1,80}(\.fifo)?", "1 to 80 letters, digits, _ and -")

    def identify(self, at: Moment, inputs: Mapping[str, Any]) -> str | None:
        """The URL."""
        return f"https://sqs.{at.region}.{at.dns_suffix}/{at.account_id}/{inputs['name']}"

    def outputs(self, at: Moment, resource_id: str, outputs: Properties) -> Properties:
        """The URL once more."""
        return {"url": resource_id}
