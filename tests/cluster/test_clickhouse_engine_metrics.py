"""The metrics that alerts ask for are those that the real engine has."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.pure.test_monitoring_alerts import compiled_in

ASK = """\
import chdb, json
names = {}
for kind, query in {
    "Metrics": "SELECT metric FROM system.metrics",
    "ProfileEvents": "SELECT event FROM system.events SETTINGS system_events_show_zero_values = 1",
}.items():
    names[kind] = str(chdb.query(query, "TSV")).split()
print(json.dumps(names))
"""


def test_every_metric_of_an_alert_is_one_of_the_engine() -> None:
    run = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, timeout=300, check=True, cwd="/")
    known = {f"ClickHouse{kind}_{name}" for kind, names in json.loads(run.stdout).items() for name in names}
    assert len(known) > 500
    assert compiled_in() <= known
    assert compiled_in()
