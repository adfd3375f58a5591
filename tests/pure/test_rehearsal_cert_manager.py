"""cert-manager as rehearsals play it: it signs what the product asks for, and refuses what the real one would."""

from __future__ import annotations

from typing import Any

import pytest

from components.clickhouse import tls
from components.clickhouse.tls import TLS, Issuer
from rehearsal import cert_manager, crds
from settings.base import CertificateIssuer
from tests.harness.certificates import FIRST
from tests.harness.crd_check import CrdCheck


def certificate(**spec: Any) -> dict[str, Any]:
    issuer = Issuer(name="internal")
    shown = tls.hosts("wandb", "weavecluster", 1, 3, 3, "clickhouse")
    made = dict(tls.certificate(TLS(ca=FIRST, issuer=issuer), issuer, "clickhouse", shown))
    return made | {"spec": made["spec"] | spec}


def test_the_product_s_certificate_is_taken_and_signed_into_the_secret_that_pods_mount() -> None:
    assert CrdCheck(map(crds.definition, cert_manager.DEFINITIONS))(certificate()) == []
    assert cert_manager.refusal(certificate(), signs=True) is None
    made = cert_manager.secret(certificate())
    assert (made["metadata"]["name"], made["metadata"]["namespace"]) == ("clickhouse-tls", "clickhouse")
    assert made["stringData"].keys() >= {tls.CERTIFICATE, tls.KEY}


@pytest.mark.parametrize(
    ("spec", "signs", "said"),
    [
        ({}, False, "Referenced 'ClusterIssuer' not found: internal"),
        ({"dnsNames": []}, True, "at least one of"),
        ({"usages": ["serving"]}, True, "unknown usages"),
        ({"duration": "1y"}, True, "less than an hour"),
    ],
)
def test_what_cert_manager_refuses_is_refused(spec: dict[str, Any], signs: bool, said: str) -> None:
    assert said in str(cert_manager.refusal(certificate(**spec), signs=signs))


def test_an_issuer_of_the_settings_is_where_its_scope_says() -> None:
    for scope, kind, namespace in (("cluster", "ClusterIssuer", None), ("namespace", "Issuer", "clickhouse")):
        asked = CertificateIssuer.model_validate({"name": "internal", "scope": scope})
        *_, made = cert_manager.objects(asked, "clickhouse")
        assert (made["kind"], made["metadata"].get("namespace")) == (kind, namespace)
