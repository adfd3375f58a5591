"""What becomes of operations that a killed run left pending in the state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rehearsal.recovery import UNFINISHED, Created, settle

Resource = dict[str, Any]


class FakeCluster:
    """A cluster that has objects by the name of their resource."""

    def __init__(self, *existing: str) -> None:
        self.existing = set(existing)

    def created(self, resource: Mapping[str, Any]) -> Created | None:
        name = resource["inputs"]["metadata"]["name"]
        return Created(id=f"ns/{name}", remembered={"__fieldManager": "me"}) if name in self.existing else None

    def gone(self, resource: Mapping[str, Any]) -> bool:
        return resource["inputs"]["metadata"]["name"] not in self.existing


def resource(name: str, **more: Any) -> Resource:
    inputs = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "ns"}}
    kind = "kubernetes:core/v1:ConfigMap"
    return {"urn": f"urn:pulumi:dev::wandb::{kind}::{name}", "type": kind, "custom": True, "inputs": inputs} | more


def pending(kind: str, of: Resource) -> dict[str, Any]:
    return {"type": kind, "resource": of}


def test_a_created_object_is_adopted_as_unfinished():
    (adopted,), mended = settle([], [pending("creating", resource("a"))], FakeCluster("a"))
    assert (adopted["id"], adopted["initErrors"]) == ("ns/a", [UNFINISHED])
    assert adopted["outputs"] == adopted["inputs"] | {"__fieldManager": "me"}
    assert mended.adopted == (adopted["urn"],)


def test_an_object_that_was_not_created_is_forgotten():
    assert settle([], [pending("creating", resource("a"))], FakeCluster())[0] == []


def test_a_resource_with_nothing_outside_the_state_is_created_again():
    password = {"urn": "urn", "type": "random:index/randomPassword:RandomPassword", "inputs": {"length": 32}}
    assert settle([], [pending("creating", password)], FakeCluster())[0] == []


def test_a_patch_is_applied_again():
    patch = resource("a") | {"type": "kubernetes:core/v1:NamespacePatch"}
    assert settle([], [pending("creating", patch)], FakeCluster("a"))[0] == []


def test_an_update_is_done_again():
    known = resource("a", id="ns/a")
    (entry,), mended = settle([known], [pending("updating", known)], FakeCluster("a"))
    assert entry == known | {"initErrors": [UNFINISHED]}
    assert mended.unfinished == (known["urn"],)


def test_a_deleted_object_is_forgotten():
    known, other = resource("a", id="ns/a"), resource("b", id="ns/b")
    assert settle([known, other], [pending("deleting", known)], FakeCluster("b"))[0] == [other]


def test_an_object_that_still_exists_is_not_forgotten():
    known = resource("a", id="ns/a")
    assert settle([known], [pending("deleting", known)], FakeCluster("a"))[0] == [known]


def test_of_a_replacement_the_new_object_is_adopted_and_the_old_one_is_still_to_delete():
    old = resource("a", id="ns/a-1")
    resources, _ = settle([old, resource("b", id="ns/b")], [pending("creating", resource("a"))], FakeCluster("a"))
    assert [(entry["id"], entry.get("delete", False)) for entry in resources] == [
        ("ns/a", False),
        ("ns/b", False),
        ("ns/a-1", True),
    ]


def test_what_was_deleted_to_be_replaced_is_replaced():
    old = resource("a", id="ns/a", pendingReplacement=True)
    (entry,), _ = settle([old], [pending("creating", resource("a"))], FakeCluster("a"))
    assert "pendingReplacement" not in entry


NAMES = st.sampled_from("abcdef")
OPERATIONS = st.dictionaries(NAMES, st.sampled_from(["creating", "updating", "deleting", "reading", "importing"]))


@given(known=st.sets(NAMES), operations=OPERATIONS, existing=st.sets(NAMES))
def test_nothing_is_there_twice_and_nothing_that_exists_is_lost(known, operations, existing):
    resources = [resource(name, id=f"ns/{name}") for name in sorted(known)]
    begun = [
        pending(kind, resource(name, **({"id": f"ns/{name}"} if name in known else {})))
        for name, kind in operations.items()
        if (name in known) == (kind in ("updating", "deleting"))
    ]
    settled, mended = settle(resources, begun, FakeCluster(*existing))
    urns = [entry["urn"] for entry in settled]
    assert len(urns) == len(set(urns))
    names = {entry["inputs"]["metadata"]["name"] for entry in settled}
    assert known & existing <= names
    created = {entry["resource"]["urn"] for entry in begun if entry["type"] in ("creating", "importing")}
    assert set(mended.adopted) == created & set(urns)


def test_without_pending_operations_the_state_stays_as_it_is():
    resources = [resource("a", id="ns/a"), resource("b", id="ns/b", delete=True)]
    assert settle(resources, [], FakeCluster())[0] == resources
