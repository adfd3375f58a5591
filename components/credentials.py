"""Passwords and keys: made once, kept in Kubernetes Secrets, handed on by reference."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_random
from pulumi_kubernetes.core.v1 import Secret

from . import contracts
from .ordering import after

LENGTH = 32
"""190 bits of letters and digits. No other characters: W&B pastes passwords into URLs without escaping them, and
ClickHouse's operator pastes them into XML."""


def random_text(
    name: str, provider: pulumi_random.Provider, *, parent: pulumi.Resource, length: int = LENGTH
) -> pulumi.Output[str]:
    """A random text of letters and digits, made once and kept, encrypted, in the stack's state."""
    password = pulumi_random.RandomPassword(
        name, length=length, special=False, opts=pulumi.ResourceOptions(parent=parent, provider=provider)
    )
    return password.result


def secret(
    resource_name: str,
    *,
    name: str,
    namespace: pulumi.Input[str],
    values: Mapping[str, pulumi.Input[str]],
    opts: pulumi.ResourceOptions,
) -> contracts.SecretKey:
    """The Secret `name` with `values`, and the reference to its first key. Whoever uses the reference waits for it."""
    made = Secret(
        resource_name,
        metadata={
            "name": name,
            "namespace": namespace,
            "labels": {"app.kubernetes.io/part-of": "wandb", "app.kubernetes.io/managed-by": "pulumi"},
        },
        string_data={key: pulumi.Output.secret(value) for key, value in values.items()},
        opts=opts,
    )
    return contracts.SecretKey(name=after(name, made), key=next(iter(values)))
