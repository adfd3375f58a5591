"""Which configurations the stand-in ClickHouse server refuses, and with which words.

That the real engine refuses the same is the matter of `tests/cluster/test_standin_server.py`.
"""

from __future__ import annotations

import pytest

from rehearsal.kubelet.images.clickhouse_server import refusal
from tests.harness.storage_mistakes import MACROS, MISTAKES, STORAGE, TAKEN, Mistake

GIB = 1024**3
QUERY_LOG = "<yandex><query_log><table>query_log</table><engine>Engine = MergeTree</engine></query_log></yandex>"


def answer(storage: str = STORAGE, *, room: int | None = 10 * GIB, **more: str) -> str:
    macros = "".join(f"<{name}>{value}</{name}>" for name, value in MACROS.items())
    files = {
        "conf.d/macros.xml": f"<yandex><macros>{macros}</macros></yandex>",
        "config.d/01-clickhouse-03-query_log.xml": QUERY_LOG,
        "config.d/storage.xml": storage,
    }
    return refusal(files | {f"config.d/{name}.xml": text for name, text in more.items()}, lambda _: room) or ""


@pytest.mark.parametrize("mistake", MISTAKES, ids=str)
def test_a_mistake_in_the_storage_stops_the_start(mistake: Mistake):
    assert mistake.right in STORAGE
    assert mistake.words in answer(mistake.storage)


@pytest.mark.parametrize("variant", TAKEN, ids=str)
def test_other_forms_of_the_same_are_taken(variant: Mistake):
    assert variant.right in STORAGE
    assert answer(variant.storage) == ""


def test_a_cache_may_be_as_large_as_its_volume_and_no_larger():
    assert answer(STORAGE.replace("1Gi", "10Gi")) == ""
    assert "max_size '11Gi' is more than the 10737418240 bytes" in answer(STORAGE.replace("1Gi", "11Gi"))
    assert answer(STORAGE.replace("1Gi", "11Gi"), room=None) == ""


def test_a_storage_policy_beside_an_engine_stops_the_start():
    beside = "<clickhouse><query_log><storage_policy>default</storage_policy></query_log></clickhouse>"
    assert "query_log: a storage_policy beside an engine" in answer(system_logs=beside)


def test_a_log_that_is_replaced_as_a_whole_is_taken():
    whole = (
        "<clickhouse><query_log replace='1'><engine>ENGINE = MergeTree SETTINGS storage_policy='default'</engine></query_log>"
        "<crash_log><storage_policy>default</storage_policy></crash_log><trace_log remove='1'/></clickhouse>"
    )
    assert answer(system_logs=whole) == ""
