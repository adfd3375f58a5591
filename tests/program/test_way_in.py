"""How W&B is reached, as whole stacks ask for it."""

from __future__ import annotations

from typing import Any

from tests.harness import record_stack
from tests.harness.recorder import Resource


def asked(ingress: dict[str, Any]) -> tuple[dict[str, Resource], dict[str, Any], Any]:
    """The objects of the Gateway API by kind and name, the values of W&B's Ingress, and the recorder."""
    recorder = record_stack("models-only", changes={"wandb:ingress": ingress}).recorder
    found = {
        f"{each.inputs['kind']} {each.inputs['metadata']['name']}": each
        for each in recorder.custom()
        if each.inputs.get("apiVersion") == "gateway.networking.k8s.io/v1"
    }
    (instance,) = (each for each in recorder.custom() if each.inputs.get("kind") == "WeightsAndBiases")
    return found, instance.inputs["spec"]["values"]["ingress"], (recorder, instance)


def test_what_the_user_annotates_wins_over_what_follows_from_the_controller() -> None:
    size = "nginx.ingress.kubernetes.io/proxy-body-size"
    _, ingress, _ = asked(
        {"className": "nginx", "controller": "nginx", "annotations": {size: "5g"}, "timeoutSeconds": 900}
    )
    assert ingress["annotations"][size] == "5g"
    assert ingress["annotations"]["nginx.ingress.kubernetes.io/proxy-send-timeout"] == "900"


def test_cert_manager_is_asked_for_the_certificate_that_the_ingress_uses() -> None:
    issuer = {"name": "letsencrypt", "scope": "namespace"}
    _, ingress, _ = asked({"className": "nginx", "certManager": issuer, "tlsSecret": "wandb-tls"})
    assert ingress["annotations"] == {"cert-manager.io/issuer": "letsencrypt"}
    assert ingress["tls"][0]["secretName"] == "wandb-tls"


def test_a_gateway_that_exists_gets_a_route_after_the_services_it_names() -> None:
    found, ingress, (recorder, instance) = asked({"gateway": {"name": "shared", "namespace": "gateways"}})
    assert found.keys() == {"HTTPRoute wandb"}
    assert ingress == {"install": False}
    assert instance.urn in recorder.before(found["HTTPRoute wandb"].urn)


def test_a_gateway_of_a_class_is_made_with_its_certificate_and_a_redirect() -> None:
    found, _, (recorder, _) = asked({"gateway": {"className": "istio"}, "tlsSecret": "wandb-tls"})
    assert found.keys() == {"Gateway wandb", "HTTPRoute wandb", "HTTPRoute wandb-redirect"}
    assert found["Gateway wandb"].urn in recorder.before(found["HTTPRoute wandb"].urn)
    assert found["HTTPRoute wandb"].inputs["spec"]["parentRefs"] == [{"name": "wandb", "sectionName": "https"}]


def test_without_a_way_in_nothing_is_made_for_one() -> None:
    found, ingress, _ = asked({"controller": "none"})
    assert found == {}
    assert ingress == {"install": False}
