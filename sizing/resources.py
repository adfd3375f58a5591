"""What one container asks for and may use, and how explicit amounts overrule planned ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

from . import quantity


@dataclass(frozen=True, kw_only=True)
class Resources:
    """Requests and limits of one container, as Kubernetes quantities.

    Raises ValueError for a text that is no quantity and for a limit below its request, which Kubernetes refuses.
    """

    cpu_request: str
    memory_request: str
    cpu_limit: str | None = None
    """None: no CPU limit."""
    memory_limit: str | None = None
    """None: no memory limit."""

    def __post_init__(self) -> None:
        for what, size in (("cpu", quantity.cpu), ("memory", quantity.memory)):
            request, limit = getattr(self, f"{what}_request"), getattr(self, f"{what}_limit")
            if limit is not None and size(limit) < size(request):
                raise ValueError(f"{what}_limit: {limit} is less than the request, {request}")
            size(request)

    def __str__(self) -> str:
        limits = f"{self.cpu_limit or 'no limit'} / {self.memory_limit or 'no limit'}"
        return f"{self.cpu_request} / {self.memory_request}, up to {limits}"


@dataclass(frozen=True, kw_only=True)
class ResourceOverride:
    """Amounts that are set explicitly; None: as planned."""

    cpu_request: str | None = None
    memory_request: str | None = None
    cpu_limit: str | None = None
    memory_limit: str | None = None

    def __post_init__(self) -> None:
        for what, size in (("cpu", quantity.cpu), ("memory", quantity.memory)):
            request, limit = getattr(self, f"{what}_request"), getattr(self, f"{what}_limit")
            amounts = [size(each) for each in (request, limit) if each is not None]
            if len(amounts) == 2 and amounts[0] > amounts[1]:
                raise ValueError(f"{what}_limit: {limit} is less than the request, {request}")

    def __bool__(self) -> bool:
        return any(getattr(self, each.name) is not None for each in fields(self))

    def over(self, planned: Resources) -> Resources:
        """`planned` with the explicit amounts in place.

        A planned limit gives way to a larger explicit request, and a planned request to a smaller explicit limit.
        """
        return replace(
            planned,
            **_pair("cpu", quantity.cpu, self, planned),
            **_pair("memory", quantity.memory, self, planned),
        )


def _pair(
    what: str, size: Callable[[str], int], explicit: ResourceOverride, planned: Resources
) -> dict[str, str | None]:
    request, limit = f"{what}_request", f"{what}_limit"
    own_request, own_limit = getattr(explicit, request), getattr(explicit, limit)
    wanted, most = own_request or getattr(planned, request), own_limit or getattr(planned, limit)
    if most is not None and size(wanted) > size(most):
        wanted, most = (wanted, wanted) if own_request else (most, most)
    return {request: wanted, limit: most}
