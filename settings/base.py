"""The base of every settings model, and the kinds of text that several of them use.

A validator here says two things when it refuses a value: what is wrong, and what would be right. `problems` turns both
into the one form that all messages have.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any, Literal

import pulumi
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from .regions import REGIONS, nearest_region

DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
DNS_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
SECRET_DATA_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
CPU = re.compile(r"[1-9][0-9]*m|[0-9]+(\.[0-9]{1,3})?")
MEMORY = re.compile(r"[1-9][0-9]*(Mi|Gi)")


def refusal(wrong: str, right: str, *, like: str | None = None) -> PydanticCustomError:
    """The error that a validator raises: `wrong` follows the key ("is ..."), `right` is a sentence of advice.

    `like` is an example made from the refused value: it is shown only where the value itself may be.
    """
    return PydanticCustomError("refused", "{wrong} {right}", {"wrong": wrong, "right": right, "like": like or ""})


def _alias(name: str) -> str:
    return to_camel(name).replace("Gib", "GiB")


class Model(BaseModel):
    """A section of the settings: camelCase keys, exact types, no unknown key, unchangeable once read.

    The text below a field describes its key; see `descriptions`.
    """

    model_config = ConfigDict(
        alias_generator=_alias,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        strict=True,
    )


class SecretText(SecretStr):
    """A text that no repr, message or log shows."""

    def output(self) -> pulumi.Output[str]:
        """The text as a secret Output: the only form in which it leaves the settings."""
        return pulumi.Output.secret(self.get_secret_value())


def matching(pattern: re.Pattern[str], wrong: str, right: str) -> tuple[AfterValidator, Any]:
    """What makes a text match `pattern` wholly: for pydantic with our words, for editors as a pattern."""

    def check(value: str) -> str:
        if not pattern.fullmatch(value):
            raise refusal(wrong, right)
        return value

    return AfterValidator(check), Field(json_schema_extra={"pattern": f"^({pattern.pattern})$"})


DnsLabel = Annotated[
    str,
    *matching(
        DNS_LABEL,
        "is not a name that Kubernetes accepts here",
        "Use at most 63 lower-case letters, digits and hyphens, beginning and ending with a letter or digit.",
    ),
]
"""The name of a namespace."""

ObjectName = Annotated[
    str,
    Field(max_length=253),
    *matching(
        DNS_NAME,
        "is not a name that Kubernetes accepts",
        "Use lower-case letters, digits, hyphens and dots, beginning and ending with a letter or digit.",
    ),
]
"""The name of a Kubernetes object, such as a Secret or a StorageClass."""

SecretDataKey = Annotated[
    str,
    *matching(
        SECRET_DATA_KEY,
        "is not a key that a Kubernetes Secret can have",
        "Use letters, digits, hyphens, underscores and dots.",
    ),
]

CpuQuantity = Annotated[
    str,
    *matching(CPU, "is not an amount of CPU", 'Use cores ("2", "0.5") or thousandths of a core ("500m").'),
]
MemoryQuantity = Annotated[
    str,
    *matching(MEMORY, "is not an amount of memory", 'Use whole mebibytes ("512Mi") or gibibytes ("4Gi").'),
]

AccountId = Annotated[
    str,
    *matching(
        re.compile(r"[0-9]{12}"),
        "is not the id of an AWS account",
        "Write its twelve digits in quotes: `aws sts get-caller-identity` shows them as Account.",
    ),
]
"""An AWS account."""

InstanceTypeName = Annotated[
    str,
    *matching(
        re.compile(r"[a-z][a-z0-9-]*\.[a-z0-9-]+"),
        "is not the name of an EC2 instance type",
        "Write family and size, as in `r6i.4xlarge`.",
    ),
]
"""A machine type of EC2. Which of them exist is the sizing plan's to say."""


def _region(value: str) -> str:
    if value not in REGIONS:
        near = nearest_region(value)
        raise refusal("is not a region of AWS", f"Did you mean {near}?" if near else "Use a name such as eu-central-1.")
    return value


RegionName = Annotated[str, AfterValidator(_region), Field(json_schema_extra={"enum": list(REGIONS)})]
"""A region of AWS."""

Environment = Literal["test", "production"]
"""What an installation is for; the defaults of some settings follow from it."""

LogDays = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
]
"""Days that CloudWatch Logs can keep a log group. Source: its API, PutRetentionPolicy."""

Port = Annotated[int, Field(ge=1, le=65535)]
GiB = Annotated[int, Field(ge=1, le=65536)]

_SERVER_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\]")


def _server(value: str) -> str:
    if "://" in value or "/" in value:
        raise refusal("is not a host name", "Leave out the scheme and the path.", like=bare_host(value))
    if value.count(":") == 1:
        raise refusal("has a port", "Write the port under the key `port`.", like=value.split(":")[0])
    if not _SERVER_NAME.fullmatch(value):
        raise refusal("is not a host name", "Use letters, digits, hyphens and dots, as in `db.example.com`.")
    return value


ServerHost = Annotated[str, AfterValidator(_server)]
"""The host name or address of a server that the user brings."""


def bare_host(value: str) -> str:
    """What is left of a URL without scheme, user, port and path; an example name where nothing is."""
    host = value.split("://")[-1].split("/")[0].split("@")[-1].split(":")[0].strip(".").lower().replace("_", "-")
    return host or "wandb.example.com"


def cores(quantity: str) -> Decimal:
    """A CPU quantity ("500m", "2") in cores."""
    return Decimal(quantity[:-1]) / 1000 if quantity.endswith("m") else Decimal(quantity)


def gibibytes(quantity: str) -> Decimal:
    """A memory quantity ("512Mi", "4Gi") in GiB."""
    return Decimal(quantity[:-2]) / (1024 if quantity.endswith("Mi") else 1)


_PEM = re.compile(r"\s*(-----BEGIN CERTIFICATE-----\s[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*)+")
Certificate = Annotated[
    str,
    *matching(
        _PEM,
        "is not a certificate in PEM form",
        "Paste the text from `-----BEGIN CERTIFICATE-----` to `-----END CERTIFICATE-----`, line ends included.",
    ),
]


class CertificateIssuer(Model):
    """The issuer of cert-manager that makes a certificate."""

    name: ObjectName
    """Its name."""
    scope: Literal["cluster", "namespace"] = "cluster"
    """Whether it is a ClusterIssuer, or an Issuer in the namespace of the certificate."""

    @property
    def kind(self) -> Literal["ClusterIssuer", "Issuer"]:
        """In cert-manager's words."""
        return "ClusterIssuer" if self.scope == "cluster" else "Issuer"


class SecretKey(Model):
    """One key of a Secret that exists in the cluster."""

    name: ObjectName
    """Name of the Secret."""
    key: SecretDataKey
    """Key inside the Secret."""


class ContainerResources(Model):
    """What one container asks of its node and may use at most. A key that is left out stays as planned."""

    cpu_request: CpuQuantity | None = None
    """CPU that the container is sure of, in cores or thousandths ("500m"). Default: from the sizing plan."""
    cpu_limit: CpuQuantity | None = None
    """CPU that the container may use at most. Default: from the sizing plan."""
    memory_request: MemoryQuantity | None = None
    """Memory that the container is sure of ("512Mi", "4Gi"). Default: from the sizing plan."""
    memory_limit: MemoryQuantity | None = None
    """Memory at which the container is killed. Default: from the sizing plan."""


def kind_default(factory: Any, text: str) -> Any:
    """A field whose default depends on fields before it; `text` is how the documentation puts that default."""
    return Field(default_factory=factory, json_schema_extra={"x-default": text})
