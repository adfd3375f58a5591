"""Would W&B's server in one container start with these variables, and as this user?

Only what is known to stop it is looked at: W&B's documentation of the image asks for the root group and for addresses of the
forms below. A variable that Kubernetes could not expand would reach the server as it stands. The words are the project's.
Everything else is taken to be right.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

_SCHEMES = {
    "HOST": ("http", "https"),
    "MYSQL": ("mysql",),
    "REDIS": ("redis",),
    "BUCKET": ("s3", "gs", "az", "cw"),
}


def refusal(pod: Mapping[str, Any], variables: Mapping[str, str]) -> str | None:
    """What the server would end with; None if it would start. `variables`: as its process sees them."""
    security = pod["spec"].get("securityContext") or {}
    if security.get("runAsUser") and security.get("runAsGroup") != 0:
        return "/vol and the files of the image belong to group 0, and the process is not in it"
    for name, schemes in _SCHEMES.items():
        text = variables.get(name)
        if text is None:
            continue
        if "$(" in text:
            return f"{name}: has a variable that is not there: a reference to one that comes later, or to none"
        if urlsplit(text).scheme not in schemes:
            return f"{name}: is not an address of the form {schemes[0]}://..."
    return None
