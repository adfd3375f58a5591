"""Asking AWS, through the stack's own provider: functions of the SDK that only read, all at once.

    aws:index/getCallerIdentity        {}                                                    who asks
    aws:index/getAvailabilityZones     {state, filters: zone-type}                           zones of the account
    aws:eks/getClusterVersions         {includeAll}                                          versions and their support
    aws:eks/getClusters                {}                                                    names that are taken
    aws:eks/getCluster                 {name}                                                a brought cluster, or one of that name
    aws:iam/getOpenIdConnectProvider   {url}                                                 IAM's trust in that cluster
    aws:ec2/getInstanceTypeOfferings   {locationType, filters: instance-type}                types by zone
    aws:ec2/getVpc                     {id}                                                  the brought VPC
    aws:ec2/getVpcs                    {} and {tags}                                         VPCs of the region, of the stack
    aws:ec2/getSubnet                  {id}                                                  each brought subnet
    aws:ec2/getEips                    {} and {tags}                                         addresses in use
    aws:ec2/getNatGateways             {filters: state} and {tags, filters}                  NAT gateways in use
    aws:rds/getEngineVersion           {engine, version}                                     Aurora's version
    aws:rds/getOrderableDbInstance     {engine, engineVersion, instanceClass, storageType, vpc}  Aurora's class
    aws:rds/getClusterSnapshot         {dbClusterSnapshotIdentifier, includeShared}          the brought snapshot
    aws:route53/getZone                {zoneId}                                              the brought hosted zone
    aws:kms/getKey                     {keyId}                                               the brought key
    aws:wafv2/getWebAcl                {name, scope}                                         the brought web ACL
    aws:servicequotas/getServiceQuota  {serviceCode, quotaCode}                              what the account may have

Every token ends in `:` and the function's name once more. A certificate is read as the resource `aws:acm/certificate:Certificate`
under its ARN, because the SDK's function for certificates takes no ARN and says no names.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import pulumi
from pulumi.runtime import invoke_async
from pulumi.runtime.sync_await import _sync_await  # how the SDK itself waits within a program; it has no public name

from ..lookup import Unreachable

if TYPE_CHECKING:
    import pulumi_aws

T = TypeVar("T")

_LONGEST = 200
"""Characters of an error that are shown."""
CERTIFICATE_NAME = "aws.certificateArn"
"""Name of the certificate that is read, in the CLI and in the state: it never was the stack's."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """One call of a function of the SDK."""

    function: str
    """Module and function, as `ec2/getVpc`."""
    arguments: Mapping[str, Any]
    about: str
    """What is looked at, in words."""
    optional: bool = False
    """Whether an answer that cannot be had is only worth a warning."""

    @property
    def token(self) -> str:
        """The function's token."""
        return f"aws:{self.function}:{self.function.rpartition('/')[2]}"


@dataclass(frozen=True)
class Missing:
    """AWS says that there is no such thing."""


@dataclass(frozen=True)
class Unreadable:
    """AWS gave no answer. `reason` says why, following "because"."""

    reason: str


Answer = Mapping[str, Any] | Missing | Unreadable


class Lookup(Protocol):
    """What answers the questions. Every method may raise Unreachable: then no question can be answered."""

    def ask(self, questions: Mapping[str, Question]) -> Mapping[str, Answer]:
        """The answers, under the same names."""
        ...

    def certificate(self, arn: str) -> Answer:
        """`domainName`, `subjectAlternativeNames` and `status` of a certificate that exists."""
        ...


class ProviderLookup:
    """The account and region of a provider."""

    def __init__(self, provider: pulumi_aws.Provider) -> None:
        self._provider = provider

    def ask(self, questions: Mapping[str, Question]) -> Mapping[str, Answer]:
        """All answers. Questions do not wait for each other."""
        return dict(zip(questions, _wait(self._all(list(questions.values()))), strict=True))

    async def _all(self, questions: list[Question]) -> list[Answer]:
        return list(await asyncio.gather(*(self._one(each) for each in questions)))

    async def _one(self, question: Question) -> Answer:
        options = pulumi.InvokeOptions(provider=self._provider)
        try:
            found = await invoke_async(question.token, dict(question.arguments), options)
        except Exception as error:  # noqa: BLE001 the SDK raises nothing more special than this
            return failure(str(error))
        return Unreadable("the answer is not known in this preview") if found is None else found

    def certificate(self, arn: str) -> Answer:
        """The certificate, as the engine reads it, in previews too. It stays out of the stack: `read` in the CLI's words.

        Where there is no such certificate, or it may not be read, engines end the run there, with an error of their own that
        names `CERTIFICATE_NAME` and the ARN.
        """
        import pulumi_aws

        options = pulumi.ResourceOptions(provider=self._provider)
        found = pulumi_aws.acm.Certificate.get(CERTIFICATE_NAME, arn, opts=options)
        names = {
            "domainName": found.domain_name,
            "subjectAlternativeNames": found.subject_alternative_names,
            "status": found.status,
        }
        read = _wait(pulumi.Output.all(**names).future())
        # what exists has a status: an engine that went on without one found nothing
        return read if read and read["status"] else Missing()


def _wait(work: Awaitable[T]) -> T:
    return _sync_await(work)


_NO_CREDENTIALS = re.compile(
    r"no valid credential|NoCredentialProviders|ExpiredToken|InvalidClientTokenId|UnrecognizedClient|SignatureDoesNotMatch|"
    r"failed to refresh cached credentials|security token .* (?:invalid|expired)|AuthFailure|no EC2 IMDS role|sso session|"
    r"account ID not allowed",
    re.IGNORECASE,
)
_NO_NETWORK = re.compile(
    r"no such host|dial tcp|i/o timeout|connection (?:refused|reset)|TLS handshake|request send failed|deadline exceeded",
    re.IGNORECASE,
)
_DENIED = re.compile(r"AccessDenied|UnauthorizedOperation|not authorized|AuthorizationError|Forbidden", re.IGNORECASE)
_ACTION = re.compile(r"to perform:? (\w+:\w+)")
_MISSING = re.compile(
    r"not ?found|no matching|no such|nosuch|does(?: not|n't) exist|do not exist|couldn't find|no results|empty result|"
    r"no [\w ]{1,60} (?:found|match)|cannot find|Invalid DB Instance|InvalidInstanceType|InvalidSubnetID|InvalidVpcID",
    re.IGNORECASE,
)


def failure(text: str) -> Missing | Unreadable:
    """What the error of a question means. Raises Unreachable where every other question would fail like it.

    The words are those of AWS' SDK for Go and of the provider that is built on it.
    """
    if _NO_CREDENTIALS.search(text):
        raise Unreachable(
            f"AWS does not accept the credentials ({_gist(text)})",
            "Log in again or correct `wandb:aws.profile` and `wandb:aws.assumeRoleArn`, then try `aws sts get-caller-identity`.",
        )
    if _NO_NETWORK.search(text):
        raise Unreachable(
            f"AWS does not answer ({_gist(text)})",
            "Check the network, the proxy and `wandb:aws.region`, then try `aws sts get-caller-identity`.",
        )
    if _DENIED.search(text):
        action = _ACTION.search(text)
        return Unreadable(f"{action[1]} is not allowed" if action else "it is not allowed")
    return Missing() if _MISSING.search(text) else Unreadable(_gist(text))


def _gist(text: str) -> str:
    """The last and most special part of an error that wraps others."""
    lines = [line.strip(" *\t") for line in text.splitlines() if line.strip(" *\t")]
    last = lines[-1] if lines else "no reason given"
    for sign in (" failed: ", "returned an error: ", "api error "):
        last = last.rpartition(sign)[2]
    return last if len(last) <= _LONGEST else f"{last[:_LONGEST]}..."
