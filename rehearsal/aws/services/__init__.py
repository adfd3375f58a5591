"""What each service of AWS adds to its resources and refuses, registered as behaviours."""

from __future__ import annotations

import importlib

_MODULES = (
    "rehearsal.aws.quotas",
    "rehearsal.aws.eks.behaviours",
    "rehearsal.aws.services.ec2",
    "rehearsal.aws.services.subnets",
    "rehearsal.aws.services.rules",
    "rehearsal.aws.services.gateways",
    "rehearsal.aws.services.launch",
    "rehearsal.aws.services.iam",
    "rehearsal.aws.services.iam_providers",
    "rehearsal.aws.services.kms",
    "rehearsal.aws.services.rds",
    "rehearsal.aws.services.rds_instances",
    "rehearsal.aws.services.rds_groups",
    "rehearsal.aws.services.elasticache",
    "rehearsal.aws.services.s3",
    "rehearsal.aws.services.names",
    "rehearsal.aws.services.logs",
    "rehearsal.aws.services.lb",
    "rehearsal.aws.services.waf",
    # what holds for many types comes last: the services' own words win
    "rehearsal.aws.services.identities",
    "rehearsal.aws.services.references",
    "rehearsal.aws.services.uniqueness",
    "rehearsal.aws.services.dependents",
)


def load() -> None:
    """Import every module that registers behaviours."""
    for module in _MODULES:
        importlib.import_module(module)
