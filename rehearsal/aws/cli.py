"""The `aws` command on the path of a rehearsal: `aws eks get-token`, and nothing else.

As the real one it prints an ExecCredential with a token. The real one signs whatever it is asked for and leaves it to the
cluster to refuse; this one says at once when the account has no such cluster in that region. For a principal without
access the token is one that the API server does not know.
"""

from __future__ import annotations

import datetime
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml

from ..state import MARK, State
from .account import Account
from .eks.grants import administers
from .eks.tokens import CLUSTER

_OPTIONS = (
    "--cluster-name",
    "--cluster-id",
    "--region",
    "--output",
    "--profile",
    "--role-arn",
    "--role",
    "--client-timeout",
)
_LIFETIME = datetime.timedelta(minutes=14)
_USAGE, _FAILED = 252, 254


class Refused(Exception):
    """What goes to standard error, and the exit status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def main(arguments: Sequence[str]) -> int:
    """Answer; returns the exit status."""
    try:
        sys.stdout.write(json.dumps(get_token(State(Path(os.environ[MARK])), arguments)) + "\n")
    except Refused as error:
        sys.stderr.write(f"\n{error}\n")
        return error.status
    return 0


def get_token(state: State, arguments: Sequence[str]) -> dict[str, object]:
    """The ExecCredential. Raises Refused, as the AWS CLI would word it where it has words."""
    command, options = _parsed(arguments)
    if command != ["eks", "get-token"]:
        raise Refused(f"aws: the rehearsal's stand-in knows only `eks get-token`, not `{' '.join(command)}`", _USAGE)
    name = options.get("--cluster-name")
    region = options.get("--region") or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if not name:
        raise Refused("aws: error: Either --cluster-name or --cluster-id must be specified", _USAGE)
    if not region:
        raise Refused("You must specify a region. You can also configure your region by running 'aws configure'.", 253)
    account = Account(state)
    cluster = account.get(CLUSTER, name)
    if cluster is None or cluster.region != region:
        call = "when calling the DescribeCluster operation"
        message = f"No cluster found for name: {name} (region {region}, account {account.id or 'unknown'})."
        raise Refused(f"An error occurred (ResourceNotFoundException) {call}: {message}", _FAILED)
    expiry = datetime.datetime.now(datetime.UTC) + _LIFETIME
    token = _token(state) if administers(account, cluster) else "k8s-aws-v1.no-access-entry"
    return {
        "kind": "ExecCredential",
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "spec": {},
        "status": {"expirationTimestamp": expiry.strftime("%Y-%m-%dT%H:%M:%SZ"), "token": token},
    }


def _parsed(arguments: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    command: list[str] = []
    options: dict[str, str] = {}
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-"):
            command.append(word)
            continue
        key, given, value = word.partition("=")
        if key not in _OPTIONS:
            raise Refused(f"aws: error: Unknown options: {word}", _USAGE)
        if not given and not rest:
            raise Refused(f"aws: error: argument {key}: expected one argument", _USAGE)
        options[key] = value if given else rest.pop(0)
    return command, options


def _token(state: State) -> str:
    return yaml.safe_load(state.kubeconfig.read_text(encoding="utf-8"))["users"][0]["user"]["token"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
