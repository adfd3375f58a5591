"""`python -m rehearsal.providers <name> <version> <engine address>`: what a plugin's executable runs."""

from __future__ import annotations

import sys
from collections.abc import Callable

from rehearsal.providers.base import Provider
from rehearsal.providers.server import serve


def _provider(name: str) -> Callable[..., Provider]:
    match name:
        case "aws":
            from rehearsal.providers.aws import Aws

            return Aws
        case "aws":
            from rehearsal.providers.aws import Aws

            return Aws
        case "kubernetes":
            from rehearsal.providers.kubernetes import Kubernetes

            return Kubernetes
        case "random":
            from rehearsal.providers.random import Random

            return Random
    raise SystemExit(f"there is no stand-in for the provider {name}; there are: aws, kubernetes, random")


if __name__ == "__main__":
    _name, _version, *_engine = sys.argv[1:]
    # the engine may add flags of its own, such as --logflow; the address is the argument that is no flag
    serve(_provider(_name), _version, next(argument for argument in _engine if not argument.startswith("-")))
