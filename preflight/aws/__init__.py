"""Preflight of an AWS account: through the stack's own provider, before anything else of the stack is registered.

    lookup      asking AWS, behind a protocol that tests implement with plain data
    questions   what is asked about a stack
    look        what checks work with
    account network cluster stores names   what is checked, each as a generator of problems

Nothing here imports the SDK of AWS, but for a certificate that is brought.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from settings import Problem, Settings
from settings.problems import problem
from settings.surface import full

from ..findings import SWITCH, Findings, Found, Warned
from ..lookup import Unreachable
from . import account, cluster, names, network, stores
from .look import OWNER_TAG, Look, Stack
from .lookup import Answer, Lookup, Missing, ProviderLookup, Question, Unreadable
from .questions import first, then

if TYPE_CHECKING:
    from sizing import Plan

__all__ = [
    "CHECKS",
    "OWNER_TAG",
    "Answer",
    "Look",
    "Lookup",
    "Missing",
    "ProviderLookup",
    "Question",
    "Stack",
    "Unreadable",
    "check",
]

CHECKS = (
    account.identity,
    account.zones,
    network.vpc,
    network.subnets,
    network.spread,
    network.room,
    network.overlaps,
    cluster.name,
    cluster.reachable,
    cluster.version,
    account.administrators,
    cluster.machines,
    cluster.brought,
    account.quotas,
    stores.key,
    names.zone,
    names.certificate,
    names.web_acl,
    stores.aurora,
    stores.snapshot,
)


def check(settings: Settings, plan: Plan, *, owner: str, lookup: Lookup) -> Findings:
    """All that is wrong in the account, at once. `owner` is `<project>/<stack>`, as the stack tags what it makes.

    Credentials that are not accepted, or an AWS that does not answer, are one problem, and nothing else is looked at. So is
    what may not be read; where that is quotas alone it is a warning.
    """
    stack = Stack(settings=settings, plan=plan, owner=owner)
    where = f"{stack.aws.account_id}, {stack.region}"
    try:
        look, questions = _look(stack, lookup)
    except Unreachable as error:
        found = problem("aws", f"leads to no account that can be used: {error.reason}", error.advice)
        return Findings(where=where, what="AWS account", problems=(found,))
    found: list[Problem | Warned] = [each for part in CHECKS for each in part(look)]
    found += _unread(look.answers, questions)
    return Findings(
        where=where,
        what="AWS account",
        problems=tuple(dict.fromkeys(each for each in found if isinstance(each, Problem))),
        warnings=tuple(dict.fromkeys(each.problem for each in found if isinstance(each, Warned))),
    )


def _look(stack: Stack, lookup: Lookup) -> tuple[Look, Mapping[str, Question]]:
    questions = first(stack)
    look = Look(stack=stack, answers=lookup.ask(questions))
    more = then(look)
    if more:
        questions = questions | more
        look = Look(stack=stack, answers={**look.answers, **lookup.ask(more)})
    if stack.aws.certificate_arn:
        # last, because the engine ends the run where there is no such certificate
        answer = lookup.certificate(stack.aws.certificate_arn)
        look = Look(stack=stack, answers={**look.answers, "certificate": answer})
    return look, questions


def _unread(answers: Mapping[str, Answer], questions: Mapping[str, Question]) -> Found:
    """What could not be looked at, in one problem; what would only have been a precaution, in one warning."""
    for optional in (False, True):
        reasons = dict(_reasons(answers, questions, optional=optional))
        if not reasons:
            continue
        wrong = "could not look at " + "; ".join(f"{what} ({reason})" for what, reason in reasons.items())
        if optional:
            yield Warned(problem(SWITCH, wrong, "Nothing is wrong so far."))
        else:
            right = f"Allow it for whoever runs Pulumi and try again, or set `{full(SWITCH)}` to false."
            yield problem(SWITCH, wrong, right)


def _reasons(
    answers: Mapping[str, Answer], questions: Mapping[str, Question], *, optional: bool
) -> Iterator[tuple[str, str]]:
    for name, question in questions.items():
        answer = answers.get(name)
        if isinstance(answer, Unreadable) and question.optional is optional:
            yield question.about, answer.reason
