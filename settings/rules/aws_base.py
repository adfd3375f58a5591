"""What the rules about `aws` share."""

from __future__ import annotations

from ..aws import AWS
from ..model import Settings


def aws_of(settings: Settings) -> AWS | None:
    """The section `aws` where it is the target's; None where there is nothing to judge."""
    return settings.aws if settings.target == "aws" and settings.aws is not None else None
