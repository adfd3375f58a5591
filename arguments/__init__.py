"""From settings and plan to the components: what a stack file says, in the components' own words.

Nothing is decided here. Settings decide what the user wants, the sizing plan how big it is; this package only hands each
component what it asks for.

plan         what the sizing plan is asked for, and how a plan that cannot be is reported
options      how W&B itself is set up, and the report of values that its chart does not read
network      who is around, on which ports, for policies
shared       what every target has in common: namespaces, passwords, brought stores, ClickHouse, W&B
kubernetes   the platform in a cluster that exists
aws          the platform in an AWS account, with aws_stores; imported for stacks of that target alone, as is AWS' SDK
"""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import sizing
from settings import Settings, stop

from .options import require_known_values
from .plan import fitting_plan, sizing_request

if TYPE_CHECKING:
    from .shared import Arguments

__all__ = ["arguments_for", "fitting_plan", "sizing_request"]


def arguments_for(settings: Settings, plan: sizing.Plan) -> Arguments:
    """What the stack hands to its components, by its target.

    Where the SDK of the target's cloud is not installed, or values of W&B's chart are given that it does not read, the
    program ends with a report of that (`SystemExit`).
    """
    require_known_values(settings)
    if settings.target == "aws":
        _installed("pulumi_aws", "pulumi-aws", settings.target)
        from .aws import AWSArguments

        return AWSArguments(settings, plan)
    from .kubernetes import KubernetesArguments

    return KubernetesArguments(settings, plan)


def _installed(module: str, package: str, target: str) -> None:
    if importlib.util.find_spec(module) is None:
        stop(
            f"wandb:target: is {target}, and the Python package {package} is not installed. Run `pulumi install`, which "
            "installs what requirements.txt names. Nothing was changed."
        )
