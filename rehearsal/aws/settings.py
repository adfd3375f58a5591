"""The provider's settings, as far as they decide where its resources are and who makes them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from rehearsal.providers.base import Refused
from rehearsal.providers.values import UNKNOWN

from . import places
from .account import Account


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Region, account, default tags."""

    region: str
    account_id: str = ""
    allowed: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    default_tags: Mapping[str, str] = field(default_factory=dict)
    assumed_role: str = ""

    @classmethod
    def from_variables(cls, variables: Mapping[str, str]) -> Settings:
        """Raises Refused without a region."""
        values = {key: _inflate(value) for key, value in variables.items()}
        region = values.get("region") or ""
        if not region:
            raise Refused("Missing region configuration: set `region` on the provider, as in `region: eu-central-1`")
        roles = values.get("assumeRoles") or []
        return cls(
            region=region,
            allowed=tuple(values.get("allowedAccountIds") or ()),
            forbidden=tuple(values.get("forbiddenAccountIds") or ()),
            default_tags=(values.get("defaultTags") or {}).get("tags") or {},
            assumed_role=roles[-1].get("roleArn", "") if roles else "",
        )

    @property
    def assumed_account(self) -> str:
        """The account of the role that is assumed."""
        return self.assumed_role.split(":")[4] if self.assumed_role.count(":") >= 5 else ""

    @property
    def first_allowed(self) -> str:
        """An account that the provider may work in."""
        return self.allowed[0] if self.allowed else ""

    @property
    def account(self) -> Account:
        """What exists."""
        return Account.here()

    def of_account(self, owner: str) -> Settings:
        """The same, in that account or in the assumed role's. Raises Refused when it is not allowed."""
        found = self.assumed_account or owner
        if (self.allowed and found not in self.allowed) or found in self.forbidden:
            raise Refused(f"AWS account ID not allowed: {found}")
        return replace(self, account_id=found)


def reads_as(inputs: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the provider's inputs beyond their types."""
    region = inputs.get("region")
    if region in (None, UNKNOWN):
        return
    if region not in places.known_regions():
        yield f"invalid AWS Region: {region}"


def _inflate(value: str) -> Any:
    try:
        found = json.loads(value)
    except ValueError:
        return value
    # an account's number is a text, whatever JSON makes of it
    return value if isinstance(found, int | float) and not isinstance(found, bool) else found
