"""The project's own stacks under the recorder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from settings.stack_file import PROJECT, stack_file

from .aws import World
from .recorder import Answer
from .whole_program import Recording, record, stack_config

ROOT = PROJECT
LICENSE = "wandb:license"
CLUSTER = "wandb:kubernetes"


def record_stack(
    stack: str,
    *,
    changes: Mapping[str, Any] | None = None,
    secret_keys: frozenset[str] = frozenset(),
    preview: bool = False,
    answer: Answer | None = None,
) -> Recording:
    """The program as an `up` (or a preview) of `Pulumi.<stack>.yaml`, from the project's folder or its examples.

    `changes` replaces whole values by their full keys; a section is given as a mapping, and `secret_keys` are those of them
    that the file would have encrypted. A licence is put where the file has
    none, because licences are not committed. Preflight is off where there is no cluster that it could look at. An AWS
    account is played by `answer`; None: one in which everything exists that the stack names.
    """
    config, encrypted = stack_config(stack_file(stack), project=ROOT / "Pulumi.yaml")
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in (changes or {}).items()}
    config = config | texts
    if LICENSE not in config and "wandb:licenseSecret" not in config:
        config[LICENSE] = f"secret value of {LICENSE}"
        encrypted |= {LICENSE}
    if config.get("wandb:target") == "aws":
        answer = answer or World.of(config)
    else:
        config[CLUSTER] = json.dumps(json.loads(config.get(CLUSTER, "{}")) | {"preflight": False})
    return record(ROOT, stack=stack, config=config, secret_keys=encrypted | secret_keys, preview=preview, answer=answer)
