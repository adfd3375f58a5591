"""The documents of a server without Kubernetes: what Docker, Compose and nginx read.

No secret is in one of them. What carries one stands in the env-file, with `<NAME>` where the user fills it in: an env-file is
handed to Docker's daemon, never to a command line, which every process of the machine can read.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import yaml

from components import contracts
from components.wandb.container import DATA, GROUP, PORT, ServerArgs, environment

ENV_FILE = "wandb.env"
NGINX_FILE = "nginx.conf"
CERTIFICATES = "/etc/nginx/certificates"
NGINX = "nginxinc/nginx-unprivileged:1.28.0"
AUTHORITIES = "/usr/local/share/ca-certificates"
_NAMED = re.compile(r"\$\(([A-Z_a-z0-9]+)\)")


@dataclass(frozen=True, kw_only=True)
class Server:
    """One server: what it is told, as which image, with how much of the machine."""

    args: ServerArgs
    image: str
    cpus: str
    memory: str
    """As Docker writes it: `8g`."""

    @property
    def variables(self) -> tuple[dict[str, str], dict[str, str]]:
        """The variables in clear, and those that carry a secret, with `<NAME>` in its place."""
        return split(environment(self.args))

    @property
    def user(self) -> str | None:
        """User and group of the container; None: the image's own."""
        wanted = self.args.options.placing.run_as_user
        return f"{wanted}:{GROUP}" if wanted is not None else None

    @property
    def hosts(self) -> list[str]:
        """The names under which users come."""
        return [urlsplit(self.args.url).hostname or "", *self.args.options.additional_hosts]

    @property
    def tls(self) -> bool:
        """Whether nginx ends TLS, with the certificate that the user puts into the folder `certificates`."""
        return self.args.url.startswith("https://")

    @property
    def trusts_more(self) -> bool:
        """Whether there are further authorities, which the user puts into the folder `authorities`."""
        return bool(self.args.options.ca_certificates or self.args.options.ca_config_map)


def split(variables: Mapping[str, object]) -> tuple[dict[str, str], dict[str, str]]:
    """Variables in clear, and those with a secret. A secret that only serves another variable is written into that one."""
    secrets = {name for name, value in variables.items() if isinstance(value, contracts.SecretKey)}
    texts = {name: value for name, value in variables.items() if isinstance(value, str)}
    folded = {name for text in texts.values() for name in _NAMED.findall(text)} & secrets
    carrying = {name: _NAMED.sub(r"<\1>", text) for name, text in texts.items() if set(_NAMED.findall(text)) & secrets}
    carrying |= {name: f"<{name}>" for name in secrets - folded}
    return {name: text for name, text in texts.items() if name not in carrying}, dict(sorted(carrying.items()))


def env_file(server: Server) -> str:
    """What the user fills in. Passwords in URLs are URL-encoded."""
    _, secret = server.variables
    head = "# Fill in what is in angle brackets, URL-encoded where it is part of a URL. chmod 600, and never into version control.\n"
    return head + "".join(f"{name}={text}\n" for name, text in secret.items())


def docker_run(server: Server) -> str:
    """`docker run`, for a machine that has a web server already."""
    plain, _ = server.variables
    parts = [
        "docker run --detach --name wandb --restart unless-stopped",
        f"--env-file {ENV_FILE}",
        *(f"--env {shlex.quote(f'{name}={text}')}" for name, text in plain.items()),
        f"--publish 127.0.0.1:{PORT}:{PORT}",
        f"--volume wandb:{DATA}",
        *([f'--volume "$PWD/authorities:{AUTHORITIES}/brought:ro"'] if server.trusts_more else []),
        *([f"--user {server.user}"] if server.user else []),
        f"--cpus {server.cpus} --memory {server.memory}",
        "--cap-drop ALL --security-opt no-new-privileges",
        server.image,
    ]
    return " \\\n  ".join(parts) + "\n"


def compose(server: Server) -> str:
    """`compose.yaml`: the server, and nginx in front of it."""
    plain, _ = server.variables
    # Compose would take what follows a dollar sign for the name of a variable
    plain = {name: text.replace("$", "$$") for name, text in plain.items()}
    authorities = [f"./authorities:{AUTHORITIES}/brought:ro"] if server.trusts_more else []
    wandb = {
        "image": server.image,
        "env_file": [ENV_FILE],
        "environment": plain,
        "volumes": [f"wandb:{DATA}", *authorities],
        **({"user": server.user} if server.user else {}),
        "cpus": server.cpus,
        "mem_limit": server.memory,
        **_hardened(),
    }
    web = {
        "image": NGINX,
        "depends_on": ["wandb"],
        "ports": ["443:8443" if server.tls else "80:8443"],
        "volumes": [
            f"./{NGINX_FILE}:/etc/nginx/nginx.conf:ro",
            *([f"./certificates:{CERTIFICATES}:ro"] if server.tls else []),
        ],
        **_hardened(),
    }
    document = {"services": {"wandb": wandb, "nginx": web}, "volumes": {"wandb": {}}}
    return yaml.safe_dump(document, sort_keys=False, width=120)


def _hardened() -> dict[str, object]:
    return {"cap_drop": ["ALL"], "security_opt": ["no-new-privileges:true"], "restart": "unless-stopped"}


def nginx(server: Server) -> str:
    """`nginx.conf` for Compose: TLS, uploads of any size, and what W&B needs to know of the request."""
    listen = "    listen 8443;\n"
    if server.tls:
        listen = f"""    listen 8443 ssl;
    ssl_certificate {CERTIFICATES}/{server.hosts[0]}.crt;
    ssl_certificate_key {CERTIFICATES}/{server.hosts[0]}.key;
    ssl_protocols TLSv1.2 TLSv1.3;
    add_header Strict-Transport-Security "max-age=31536000; includeSubDomains" always;
"""
    return f"""worker_processes auto;
pid /tmp/nginx.pid;
events {{}}
http {{
  map $http_upgrade $connection_upgrade {{ default upgrade; "" close; }}
  server {{
    server_name {" ".join(server.hosts)};
{listen}
    # files of any size go through, as they come
    client_max_body_size 0;
    proxy_request_buffering off;
    proxy_buffering off;
    proxy_read_timeout 600s;
    proxy_send_timeout 600s;

    proxy_http_version 1.1;
    proxy_set_header Host $http_host;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $connection_upgrade;
    proxy_set_header X-Real-IP $remote_addr;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Forwarded-Host $http_host;

    location / {{ proxy_pass http://wandb:{PORT}; }}
  }}
}}
"""
