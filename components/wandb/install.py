"""W&B in the way that its arguments ask for."""

from __future__ import annotations

from .single import SingleContainer, SingleContainerArgs
from .wandb import WandB, WandBArgs


def install(name: str, args: WandBArgs | SingleContainerArgs) -> WandB | SingleContainer:
    """W&B by its operator, or its server in one container. Either has `url` and `verified`."""
    return SingleContainer(name, args) if isinstance(args, SingleContainerArgs) else WandB(name, args)
