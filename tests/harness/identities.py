"""What a cloud gives a pod that has an identity and no key, and who asks for it: fakes of the parts that hand out tokens.

Each gives its token only for what a pod of this installation would show. None of them checks that a token was signed by
the cluster: that is between the cluster and the cloud.
"""

from __future__ import annotations

import base64
import json
import time
import urllib.parse
from typing import Any

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from .internet import Request, Response, Site, forward, reply
from .s3 import REGION, ROLE, Store

POD_TOKEN = "the-projected-token-of-the-service-account"
GOOGLE_TOKEN = "ya29.a-token-of-the-google-service-account"
TENANT = "11111111-2222-3333-4444-555555555555"
CLIENT = "66666666-7777-8888-9999-000000000000"
POD_IDENTITY = "http://169.254.170.23"
"""Where the agent of EKS Pod Identity listens on every node."""
METADATA = "http://metadata.google.internal"
ENTRA = "https://login.microsoftonline.com"


def sts(store: Store) -> Site:
    """AWS' Security Token Service, for pods whose ServiceAccount has a role (IRSA)."""

    def answer(request: Request) -> Response:
        form = dict(urllib.parse.parse_qsl(request.body.decode()))
        shown = form.get("Action"), form.get("RoleArn"), form.get("WebIdentityToken")
        if shown != ("AssumeRoleWithWebIdentity", ROLE, POD_TOKEN):
            told = "<Code>AccessDenied</Code><Message>Not authorized to perform sts:AssumeRoleWithWebIdentity</Message>"
            return reply(f"<ErrorResponse><Error>{told}</Error></ErrorResponse>", status=403, kind="text/xml")
        given = {**store.temporary, "Expiration": _later()}
        fields = "".join(f"<{name}>{value}</{name}>" for name, value in given.items())
        action = "AssumeRoleWithWebIdentity"
        result = f"<{action}Result><Credentials>{fields}</Credentials></{action}Result>"
        return reply(f"<{action}Response>{result}</{action}Response>", kind="text/xml")

    return answer


def pod_identity(store: Store) -> Site:
    """The agent of EKS Pod Identity."""

    def answer(request: Request) -> Response:
        if (request.path, request.headers.get("authorization")) != ("/v1/credentials", POD_TOKEN):
            return reply("{}", status=403)
        given = store.temporary
        names = {"AccessKeyId": "AccessKeyId", "SecretAccessKey": "SecretAccessKey", "SessionToken": "Token"}
        made = {name: given[key] for key, name in names.items()}
        return reply(json.dumps(made | {"Expiration": _later()}))

    return answer


def metadata(request: Request) -> Response:
    """Google's metadata server, for pods with Workload Identity."""
    path = urllib.parse.urlsplit(request.path).path
    wanted = "/computeMetadata/v1/instance/service-accounts/default/token"
    if path != wanted or request.headers.get("metadata-flavor") != "Google":
        return reply("{}", status=403)
    return reply(json.dumps({"access_token": GOOGLE_TOKEN, "expires_in": 3600, "token_type": "Bearer"}))


def google_storage(store: Store, token: str = GOOGLE_TOKEN) -> Site:
    """Google's storage for those who show `token`: what S3 has under the same path."""
    behind = forward(store.endpoint)

    def answer(request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {token}":
            told = "<Error><Code>AccessDenied</Code><Message>Access denied.</Message></Error>"
            return reply(told, status=403, kind="application/xml")
        return behind(_signed(request, store))

    return answer


def entra(request: Request) -> Response:
    """Microsoft Entra, for pods with a workload identity."""
    form = dict(urllib.parse.parse_qsl(request.body.decode()))
    shown = request.path, form.get("client_id"), form.get("client_assertion")
    if shown != (f"/{TENANT}/oauth2/v2.0/token", CLIENT, POD_TOKEN):
        told = {"error": "invalid_client", "error_description": "AADSTS700016: the application was not found"}
        return reply(json.dumps(told), status=401)
    return reply(json.dumps({"token_type": "Bearer", "expires_in": 3599, "access_token": _entra_token()}))


def _signed(request: Request, store: Store) -> Request:
    """The same as a holder of the store's key would send it."""
    host = urllib.parse.urlsplit(store.endpoint).netloc
    kept = ("content-type", "range", "x-amz-copy-source")
    headers = {name: value for name, value in request.headers.items() if name in kept}
    # with the host that it is signed for, under which the bucket is in the path too
    plain = AWSRequest(request.method, f"http://{host}{request.path}", headers | {"host": host}, request.body)
    S3SigV4Auth(Credentials(store.access_key, store.secret_key), "s3", REGION).add_auth(plain)
    signed = {name.lower(): value for name, value in plain.headers.items()}
    return Request(method=request.method, host=host, path=request.path, headers=signed, body=request.body)


def _entra_token() -> str:
    now = int(time.time())
    claims = {"aud": "https://storage.azure.com", "iss": f"https://sts.windows.net/{TENANT}/", "oid": CLIENT}
    times = {"iat": now - 60, "nbf": now - 60, "exp": now + 3600}
    # Azurite reads the claims and checks no signature
    return ".".join((_encoded({"alg": "RS256", "typ": "JWT"}), _encoded(claims | times), "c2lnbmF0dXJl"))


def _encoded(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def _later() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
