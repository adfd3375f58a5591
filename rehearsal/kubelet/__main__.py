"""`python -m rehearsal.kubelet --state DIR`: play the kubelet of the rehearsal in DIR until told to stop (SIGTERM, SIGINT)."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from pathlib import Path

from ..state import State
from .kubelet import Kubelet


def main() -> int:
    """Run until told to stop; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m rehearsal.kubelet", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="folder of the rehearsal, .rehearsal/<stack>")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    kubelet = Kubelet(State(arguments.state.resolve()))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: kubelet.stop())
    kubelet.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
