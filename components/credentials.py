"""Passwords and keys: made once, kept in Kubernetes Secrets, handed on by reference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes
import pulumi_random
from pulumi_kubernetes.core.v1 import Secret

from . import contracts
from .ordering import after

LENGTH = 32
"""190 bits of letters and digits. No other characters: W&B pastes passwords into URLs without escaping them, and
ClickHouse's operator pastes them into XML."""


def random_text(
    name: str,
    provider: pulumi_random.Provider,
    *,
    parent: pulumi.Resource,
    length: int = LENGTH,
    revision: int | None = None,
) -> pulumi.Output[str]:
    """A random text of letters and digits, made once and kept, encrypted, in the stack's state.

    Another `revision` makes another text. None: the text never changes.
    """
    password = pulumi_random.RandomPassword(
        name,
        length=length,
        special=False,
        keepers={"revision": str(revision)} if revision is not None else None,
        opts=pulumi.ResourceOptions(parent=parent, provider=provider),
    )
    return password.result


def secret(
    resource_name: str,
    *,
    name: str,
    namespace: pulumi.Input[str],
    values: Mapping[str, pulumi.Input[str]],
    version: pulumi.Input[str] | None = None,
    opts: pulumi.ResourceOptions,
) -> contracts.SecretKey:
    """The Secret `name` with `values`, and the reference to its first key. Whoever uses the reference waits for it.

    `version` is `contracts.SecretKey.version`.
    """
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
    return contracts.SecretKey(name=after(name, made), key=next(iter(values)), version=version)


@dataclass(frozen=True, kw_only=True)
class CredentialsArgs:
    """Passwords that the user gave as secrets of the stack, each under the name of what asks for it."""

    provider: kubernetes.Provider
    namespace: pulumi.Input[str]
    passwords: Mapping[str, pulumi.Input[str]]
    random_provider: pulumi_random.Provider | None = None
    """For `contracts.SecretKey.version`: a random text that is another one when the password is. None: no versions."""


class Credentials(pulumi.ComponentResource):
    """One Secret `<name>-password` for each password, in one namespace."""

    keys: Mapping[str, contracts.SecretKey]
    """By the names in `passwords`. Whoever uses one waits for its Secret."""

    def __init__(self, name: str, args: CredentialsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("wandb:index:Credentials", name, {}, opts)
        self.keys = {
            who: secret(
                f"{name}-{who}",
                name=f"{who}-password",
                namespace=args.namespace,
                values={"password": password},
                version=self._changing(f"{name}-{who}-version", args.random_provider, password),
                opts=pulumi.ResourceOptions(parent=self, provider=args.provider),
            )
            for who, password in args.passwords.items()
        }
        self.register_outputs({})

    def _changing(
        self, name: str, provider: pulumi_random.Provider | None, password: pulumi.Input[str]
    ) -> pulumi.Output[str] | None:
        if provider is None:
            return None
        made = pulumi_random.RandomPassword(
            name,
            length=8,
            special=False,
            keepers={"password": pulumi.Output.secret(password)},
            opts=pulumi.ResourceOptions(parent=self, provider=provider),
        )
        return pulumi.Output.unsecret(made.result)
