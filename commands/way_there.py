"""The way to an installation of W&B: name, connection, certificate, W&B itself, and the API key. Standard library alone."""

from __future__ import annotations

import base64
import json
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

SECONDS = 15
QUERY = "query Viewer { viewer { username } }"


class InTheWay(Exception):
    """What is in the way, and what to do about it."""


def signed_in(url: str, key: str, authority: Path | None = None) -> str:
    """The name of the user whose key it is. `authority`: certificates to trust besides this machine's.

    Raises InTheWay for the first thing that is in the way. The key is in the request's headers alone.
    """
    host, port = _parts(url)
    _connect(host, port)
    answer = _ask(url, host, {"Authorization": basic(key)}, authority)
    viewer = (answer.get("data") or {}).get("viewer")
    if not viewer:
        raise _wrong_key(url)
    return str(viewer.get("username") or "a user without a name")


def basic(key: str) -> str:
    """The header by which W&B's API takes a key."""
    return f"Basic {base64.b64encode(f'api:{key}'.encode()).decode()}"


def _parts(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InTheWay(f"{url} is not of the form https://host")
    return parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)


def _connect(host: str, port: int) -> None:
    try:
        socket.create_connection((host, port), timeout=SECONDS).close()
    except socket.gaierror as error:
        raise InTheWay(
            f"{host} has no address ({error.strerror}). Make a DNS record that leads to the Ingress or load balancer: the stack's "
            "output `loadBalancer` on AWS, else `kubectl -n wandb get ingress`."
        ) from None
    except TimeoutError:
        raise InTheWay(
            f"{host}:{port} does not answer within {SECONDS} seconds. A firewall or a security group keeps this machine out, or the "
            "load balancer is reached from inside of its network alone."
        ) from None
    except OSError as error:
        raise InTheWay(f"{host}:{port} refuses the connection ({error.strerror}): nothing listens there.") from None


def _ask(url: str, host: str, headers: Mapping[str, str], authority: Path | None) -> dict[str, Any]:
    body = json.dumps({"query": QUERY}).encode()
    request = urllib.request.Request(
        f"{url}/graphql", data=body, headers={**headers, "Content-Type": "application/json"}, method="POST"
    )
    context = ssl.create_default_context()
    if authority:
        context.load_verify_locations(authority)
    try:
        with urllib.request.urlopen(request, timeout=SECONDS, context=context) as answer:
            content = json.loads(answer.read())
    except urllib.error.HTTPError as error:
        raise _status(url, error) from None
    except urllib.error.URLError as error:
        raise _unreachable(url, host, error.reason) from None
    except (OSError, ssl.SSLError) as error:
        raise _unreachable(url, host, error) from None
    except ValueError:
        raise _not_wandb(url, "its answer is no JSON") from None
    if not isinstance(content, dict):
        raise _not_wandb(url, "its answer is no GraphQL")
    return content


def _status(url: str, error: urllib.error.HTTPError) -> InTheWay:
    if error.code in (401, 403):
        return _wrong_key(url)
    if error.code in (502, 503, 504):
        return InTheWay(
            f"{url}/graphql answers {error.code}: the load balancer has no pod of `wandb-api` to hand on to. "
            "Look at `kubectl -n wandb get pods` and at the log of the last verification (docs/wandb.md)."
        )
    return _not_wandb(url, f"it answers {error.code} to {url}/graphql")


def _unreachable(url: str, host: str, reason: object) -> InTheWay:
    if isinstance(reason, ssl.SSLCertVerificationError):
        return InTheWay(
            f"the certificate of {host} is not trusted by this machine: {reason.verify_message}. W&B needs one that is publicly "
            "trusted. With an authority of your own give its certificate: CA=company.pem; training machines need it too."
        )
    if isinstance(reason, ssl.SSLError):
        return InTheWay(f"{host} does not speak TLS on this port ({reason.reason}): is the scheme of {url} right?")
    return InTheWay(f"{url} breaks off the connection: {reason}")


def _wrong_key(url: str) -> InTheWay:
    return InTheWay(
        f"{url} does not know the API key in WANDB_API_KEY: it is mistyped, or of another installation. Copy one from {url}/authorize."
    )


def _not_wandb(url: str, why: str) -> InTheWay:
    return InTheWay(
        f"what answers at {url} is not W&B: {why}. Does the host name lead to this Ingress, and `/graphql` to W&B?"
    )
