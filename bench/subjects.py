"""What is measured. Each runs in a process of its own: `python -m bench.subjects NAME [ARGUMENT]`.

program [STACK]     the whole program under the recorder; prints its resources by type, as JSON
modules [STACK]     the same; prints the SDK modules that it has imported, in that order, as JSON
imports MODULES     imports these modules (that JSON) and no other of the SDKs: the yardstick of the first. In another
                    order some would import more.
instances NUMBER    a program with that many W&B installations under the recorder; prints the number of resources
growth [STACK]      an AWS stack in more zones and with more node pools; prints its sizes, as JSON

All run alike: a fresh Python, its garbage collector as Python sets it, compiled modules from its cache.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections import Counter
from dataclasses import asdict
from types import ModuleType

SDKS = ("pulumi", "pulumi_aws", "pulumi_kubernetes", "pulumi_random")


def main(name: str, argument: str) -> None:
    """Runs one subject and prints what it has to say."""
    match name:
        case "program":
            print(json.dumps(_resources(argument or "dev")))
        case "modules":
            _resources(argument or "dev")
            print(json.dumps(_loaded()))
        case "imports":
            for module in json.loads(argument):
                # Asked for something, because the SDKs load some modules at their first use only.
                hasattr(importlib.import_module(module), "__all__")
        case "instances":
            from . import instances

            print(len(instances.recorded(int(argument)).recorder.resources_by_urn))
        case "growth":
            from . import growth

            print(json.dumps([asdict(size) for size in growth.sizes(argument or "prod")]))
        case _:
            raise SystemExit(__doc__)


def _loaded() -> list[str]:
    """The SDK modules in the order of their import. One that only stands ready to be loaded at its first use is none."""
    found = [(name, module) for name, module in sys.modules.items() if name.partition(".")[0] in SDKS]
    return [name for name, module in found if type(module) is ModuleType]


def _resources(stack: str) -> dict[str, int]:
    # Only here: "imports" is the yardstick, and must not import what the others need.
    from tests.harness import record_stack

    return Counter(resource.type for resource in record_stack(stack).recorder.resources_by_urn.values())


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "")
