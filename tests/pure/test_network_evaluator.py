"""The evaluator of NetworkPolicies says what Kubernetes' definition of them says."""

from __future__ import annotations

from typing import Any

import pytest

from tests.harness.network import Cluster, Outside, Pod

WEB = Pod(namespace="shop", labels={"app": "web"}, address="10.1.0.1")
STORE = Pod(namespace="shop", labels={"app": "store"}, address="10.1.0.2")
STRANGER = Pod(namespace="other", labels={"app": "web"}, address="10.1.0.3")
INTERNET = Outside(address="198.51.100.7")


def policy(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"namespace": "shop"}, "spec": {"podSelector": {"matchLabels": {"app": "store"}}, **spec}}


def cluster(*policies: dict[str, Any], blocks_hold_pods: bool = False) -> Cluster:
    return Cluster(policies=policies, blocks_hold_pods=blocks_hold_pods, namespaces={"other": {"team": "red"}})


def test_without_a_policy_everything_is_let_through() -> None:
    assert cluster().allows(STRANGER, STORE, 80)
    assert cluster(policy(ingress=[])).allows(STRANGER, WEB, 80), "it selects another pod"


def test_a_pod_that_is_selected_takes_only_what_a_rule_lets_in_and_may_still_call_anybody() -> None:
    closed = cluster(policy())
    assert not closed.allows(WEB, STORE, 80)
    assert closed.allows(STORE, INTERNET, 443)
    assert closed.allows(STORE, STORE, 80), "a pod always reaches itself"


def test_an_empty_rule_lets_everybody_in_and_policies_add_up() -> None:
    assert cluster(policy(ingress=[{}])).allows(STRANGER, STORE, 80)
    assert cluster(policy(), policy(ingress=[{}])).allows(STRANGER, STORE, 80)


def test_an_end_of_egress_is_held_as_well() -> None:
    silent = cluster(policy(policyTypes=["Egress"]))
    assert not silent.allows(STORE, WEB, 80)
    assert silent.allows(WEB, STORE, 80)
    implied = cluster(policy(egress=[{"to": [{"podSelector": {}}]}]))
    assert implied.allows(STORE, WEB, 80)
    assert not implied.allows(STORE, INTERNET, 80)
    assert not implied.allows(WEB, STORE, 80), "without policyTypes incoming connections are always limited"


@pytest.mark.parametrize(
    ("peer", "web", "stranger"),
    [
        ({"podSelector": {}}, True, False),
        ({"podSelector": {"matchLabels": {"app": "web"}}}, True, False),
        ({"namespaceSelector": {}}, True, True),
        ({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "other"}}}, False, True),
        ({"namespaceSelector": {"matchLabels": {"team": "red"}}}, False, True),
        ({"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "db"}}}, False, False),
        ({"podSelector": {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]}}, False, False),
        ({"podSelector": {"matchExpressions": [{"key": "job", "operator": "DoesNotExist"}]}}, True, False),
        ({"podSelector": {"matchExpressions": [{"key": "job", "operator": "Exists"}]}}, False, False),
    ],
)
def test_peers_are_told_by_labels_of_pods_and_namespaces_together(peer: Any, web: bool, stranger: bool) -> None:
    held = cluster(policy(ingress=[{"from": [peer]}]))
    assert (held.allows(WEB, STORE, 80), held.allows(STRANGER, STORE, 80)) == (web, stranger)


def test_ports_are_told_by_number_range_and_protocol() -> None:
    ports = [{"protocol": "TCP", "port": 80}, {"protocol": "UDP", "port": 53}, {"port": 9000, "endPort": 9009}]
    held = cluster(policy(ingress=[{"ports": ports}]))
    assert held.allows(WEB, STORE, 80)
    assert held.allows(WEB, STORE, 53, "UDP")
    assert held.allows(WEB, STORE, 9005)
    assert not any(held.allows(WEB, STORE, port) for port in (53, 81, 9010))


def test_blocks_are_addresses_outside_and_pods_only_where_the_plugin_takes_them_so() -> None:
    rules = [{"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["169.254.0.0/16"]}}]}]
    for holds in (False, True):
        held = cluster(policy(policyTypes=["Egress"], egress=rules), blocks_hold_pods=holds)
        assert held.allows(STORE, INTERNET, 443)
        assert not held.allows(STORE, Outside(address="169.254.169.254"), 80)
        assert held.allows(STORE, WEB, 443) == holds
