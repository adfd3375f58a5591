"""Preflight of an AWS account in a program, as far as requests go: what it asks, what it reads, and what it registers."""

from __future__ import annotations

import pytest

import preflight
from arguments import fitting_plan
from components.aws.account import aws_provider
from settings import Settings
from tests.harness import Recording, record_function
from tests.harness.aws import CERTIFICATE, World
from tests.pure.test_aws_preflight import ACCOUNT, CERTIFICATE_ARN, REGION, STACKS, settings, world

BROUGHT = STACKS["existing network"]
TOKEN = "aws:acm/certificate:Certificate"


def look(given: Settings, there: World, *, preview: bool = False) -> Recording:
    def program() -> None:
        provider = aws_provider("aws", region=REGION, account_id=ACCOUNT, tags={})
        preflight.require(given, fitting_plan(given), provider=provider)

    return record_function(program, stack="prod", answer=there, preview=preview)


@pytest.mark.parametrize("preview", [False, True], ids=["up", "preview"])
def test_the_account_is_looked_at_before_anything_but_its_provider_is_registered(preview: bool):
    recording = look(BROUGHT, world(BROUGHT), preview=preview)
    assert [each.type for each in recording.recorder.custom()] == ["pulumi:providers:aws"]
    assert recording.recorder.invokes
    assert recording.recorder.reads == [(TOKEN, CERTIFICATE_ARN)]
    assert recording.messages == ()


@pytest.mark.parametrize("preview", [False, True], ids=["up", "preview"])
def test_problems_of_functions_and_of_the_certificate_are_in_one_report(preview: bool, monkeypatch: pytest.MonkeyPatch):
    said: list[str] = []
    monkeypatch.setattr("pulumi.log.error", said.append)
    there = world(BROUGHT).without("ec2/getVpc", "kms/getKey")
    other = {"domainName": "other.example.com", "subjectAlternativeNames": []}
    with pytest.raises(SystemExit):
        look(BROUGHT, there.but(CERTIFICATE, **other), preview=preview)
    [report] = said
    assert report.startswith("3 problems in the AWS account")


def test_a_stack_without_certificate_reads_no_resource():
    given = settings()
    assert look(given, world(given)).recorder.reads == []


def test_a_preflight_that_is_switched_off_asks_for_nothing():
    given = settings(kubernetes={"preflight": False})
    recorder = look(given, world(given)).recorder
    assert recorder.invokes == recorder.reads == []
