"""ARNs in settings: kinds of text, and their parts for rules."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from pydantic import AfterValidator, Field

from .base import refusal


class Parts(NamedTuple):
    """An ARN in its parts; `region` and `account` are empty where the service has none in its ARNs."""

    partition: str
    service: str
    region: str
    account: str
    resource: str


def parts(text: str) -> Parts:
    """The parts of an ARN that a setting holds. Raises ValueError for any other text."""
    found = text.split(":", 5)
    if len(found) != 6 or found[0] != "arn":
        raise ValueError(f"{text!r} is no ARN")
    return Parts(*found[1:])


def arn(service: str, resource: str, example: str) -> tuple[AfterValidator, Any]:
    """What makes a text the ARN of a `resource` (a pattern) of `service`: for pydantic, and for editors as a pattern.

    Partition, region and account are compared with the stack's by rules, which know them.
    """
    pattern = re.compile(rf"arn:aws[a-z-]*:{service}:[a-z0-9-]*:([0-9]{{12}}|aws)?:({resource})/.+")
    what = f"{service} {resource.replace('|', ' or ')}".replace("/", " ")

    def check(value: str) -> str:
        if not value.startswith("arn:"):
            raise refusal("is not an ARN", f"Write it as in `{example}`.")
        if not pattern.fullmatch(value):
            raise refusal(f"is not the ARN of an {what}", f"Write it as in `{example}`.")
        return value

    return AfterValidator(check), Field(json_schema_extra={"pattern": f"^{pattern.pattern}$"})


def s3_bucket_arn() -> tuple[AfterValidator, Any]:
    """What makes a text the ARN of an S3 bucket, which names neither region nor account."""
    pattern = re.compile(r"arn:aws[a-z-]*:s3:::[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")

    def check(value: str) -> str:
        if not pattern.fullmatch(value):
            raise refusal("is not the ARN of an S3 bucket", "Write it as in `arn:aws:s3:::wandb-files`.")
        return value

    return AfterValidator(check), Field(json_schema_extra={"pattern": f"^{pattern.pattern}$"})
