"""docs/aws.md: what a reader copies from it is what the program has."""

from __future__ import annotations

import json
import re
from pathlib import Path

import sizing
from components.aws.arns import Arn, dns_suffix
from components.aws.resource_policies import key_policy

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "aws.md").read_text()


class _Account:
    """The account of the guide's examples, without the provider that a real one has."""

    region, id, partition = "eu-central-1", "123456789012", "aws"
    dns_suffix = dns_suffix("aws")

    def arn(self, service: str, resource: str, *, region: str | None = None, account: str | None = None) -> str:
        return str(
            Arn(
                partition=self.partition,
                service=service,
                region=self.region if region is None else region,
                account=self.id if account is None else account,
                resource=resource,
            )
        )


def test_the_key_policy_to_copy_is_the_one_that_the_stack_gives_its_own_key():
    (policy,) = re.findall(r"```json\n(.*?)```", GUIDE, flags=re.DOTALL)
    assert json.loads(policy) == key_policy(_Account())  # ty: ignore[invalid-argument-type]


def _plan(environment: sizing.reference.Environment) -> sizing.Plan:
    return sizing.plan(sizing.Request(environment=environment, products=("models", "weave"), cloud="aws"))


def test_the_plan_that_the_guide_speaks_of_is_the_plan():
    plan, test = _plan("production"), _plan("test")
    own = plan.clickhouse_nodes
    assert own is not None
    assert plan.mysql is not None
    assert plan.redis is not None
    for text in (
        f"{plan.nodes.count} x {plan.nodes.instance_type}",
        f"{own.count} x {own.instance_type}",
        f"{test.nodes.count} x {test.nodes.instance_type}",
        f"2 x {plan.mysql.class_name}",
        f"2 x {plan.redis.class_name}",
        f"{plan.nodes.count + own.count} x {plan.nodes.disk_gib} GiB gp3",
    ):
        assert text in GUIDE
    now = sum(pool.count * pool.cpu for pool in plan.pools)
    most = sum(pool.max_count * pool.cpu for pool in plan.pools)
    assert f"{now} now; {most} with all nodes" in GUIDE
