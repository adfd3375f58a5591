"""Order between layers without `depends_on`: a value that waits."""

from __future__ import annotations

from typing import TypeVar

import pulumi

T = TypeVar("T")


def after(value: pulumi.Input[T], *resources: pulumi.Resource) -> pulumi.Output[T]:
    """`value`, for whoever may use it only once `resources` are up.

    It is known in a preview too: a resource's URN is, its id is not.
    """
    return pulumi.Output.all(value, *(resource.urn for resource in resources)).apply(lambda known: known[0])
