"""The configuration files that the operator writes, and the environment and volumes that they need.

Source: `pkg/model/{chi,chk}/config/generator.go` and `pkg/model/common/normalizer/subst` of clickhouse-operator 0.25.6.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import quoteattr

from .layout import CHI, SECURE_PORTS, Host, Installation, insecure, is_true, secure

_SECRET_ENV = "CLICKHOUSE_INTERNODE_CLUSTER_SECRET"
_PASSWORD_KEYS = ("password", "password_sha256_hex", "password_double_sha1_hex")


@dataclass
class Files:
    """Everything that the configuration of an installation turns into."""

    common: dict[str, str] = field(default_factory=dict)
    users: dict[str, str] = field(default_factory=dict)
    host: dict[str, str] = field(default_factory=dict)
    """For one host."""
    env: list[dict[str, Any]] = field(default_factory=list)
    volumes: list[dict[str, Any]] = field(default_factory=list)
    mounts: list[dict[str, Any]] = field(default_factory=list)


def files(installation: Installation, host: Host, operator_files: Mapping[str, str]) -> Files:
    """The configuration of one host. `operator_files` are those that the operator brings for every server."""
    configuration = installation.configuration
    made = Files(common=dict(operator_files))
    settings = _secrets("CONFIGURATION_SETTINGS", configuration.get("settings") or {}, made)
    _put(made.common, "settings", _xml(_tree(settings), installation))
    own = _secrets("CONFIGURATION_SETTINGS", host.cluster.spec.get("settings") or {}, made)
    _put(made.host, "settings", _xml(_tree(own), installation))
    for path, content in {**(configuration.get("files") or {}), **(host.cluster.spec.get("files") or {})}.items():
        _file(installation, path, content, made)
    if installation.flavour is CHI:
        _clickhouse(installation, host, made)
    else:
        _keeper(installation, host, made)
    return made


def _clickhouse(installation: Installation, host: Host, made: Files) -> None:
    configuration = installation.configuration
    users = _secrets("CONFIGURATION_USERS", _users(configuration.get("users") or {}, installation), made)
    for name, content in (
        ("users", users),
        ("profiles", configuration.get("profiles") or {}),
        ("quotas", configuration.get("quotas") or {}),
    ):
        _put(made.users, name, _xml(_tree({f"{name}/{path}": value for path, value in content.items()}), installation))
    _put(made.common, "remote_servers", _remote_servers(installation))
    replica = installation.statefulset(host)
    macros = {
        "installation": installation.name,
        "all-sharded-shard": str(host.index),
        "cluster": host.cluster.name,
        "shard": str(host.shard),
        "replica": replica,
    }
    _put(made.host, "macros", _xml({"macros": macros}, installation))
    # a port that the operator does not know is 0 in its file, which opens any free one
    unknown = {} if insecure(host) else {"tcp_port": 0, "http_port": 0}
    if not secure(host):
        unknown |= {"tcp_port_secure": 0, "https_port": 0}
    _put(made.host, "hostname-ports", _xml({**unknown, "interserver_http_host": replica}, installation))
    zookeeper = host.cluster.spec.get("zookeeper") or configuration.get("zookeeper") or {}
    if zookeeper.get("nodes"):
        tree: dict[str, Any] = {"node": [_keeper_node(node) for node in zookeeper["nodes"]]}
        tree |= {key: value for key, value in zookeeper.items() if key != "nodes"}
        queue = {"path": f"/clickhouse/{installation.name}/task_queue/ddl"}
        _put(made.host, "zookeeper", _xml({"zookeeper": tree, "distributed_ddl": queue}, installation))
    if secret := cluster_secret(installation, host):
        made.env.append({"name": _SECRET_ENV, "valueFrom": {"secretKeyRef": secret}})


def _keeper_node(node: Mapping[str, Any]) -> dict[str, Any]:
    return {**node, **({"secure": int(is_true(node["secure"]))} if "secure" in node else {})}


def _keeper(installation: Installation, host: Host, made: Files) -> None:
    servers = [
        {"id": other.replica, "hostname": installation.statefulset(other), "port": 9444} for other in installation.hosts
    ]
    raft = {"keeper_server": {"raft_configuration": {"server": servers}}}
    _put(made.common, "raft", _xml(raft, installation))
    _put(made.host, "server-id", _xml({"keeper_server": {"server_id": host.replica}}, installation))


def cluster_secret(installation: Installation, host: Host) -> dict[str, str] | None:
    """The Secret key with which the servers of a cluster trust each other; None when they need none."""
    secret = host.cluster.spec.get("secret") or {}
    if is_true(secret.get("auto")):
        return {"name": installation.cluster_secret(host.cluster), "key": "secret"}
    return (secret.get("valueFrom") or {}).get("secretKeyRef")


def _users(users: Mapping[str, Any], installation: Installation) -> dict[str, Any]:
    """The users as given, each with the profile, quota, networks and password that the operator adds where they lack."""
    names = {path.partition("/")[0] for path in users} | {"default"}
    full = dict(users)
    for name in sorted(names):
        given = {path.partition("/")[2] for path in users if path.startswith(f"{name}/")}
        full.setdefault(f"{name}/profile", "default")
        full.setdefault(f"{name}/quota", "default")
        networks = full.get(f"{name}/networks/ip") or []
        local = ["::1", "127.0.0.1"]
        full[f"{name}/networks/ip"] = [*local, *(networks if isinstance(networks, list) else [networks])]
        host = f"(chi-{installation.name}-[^.]+\\d+-\\d+|clickhouse\\-{installation.name})\\.{installation.domain}$"
        full.setdefault(f"{name}/networks/host_regexp", host)
        hashes = {key for key in given if key in _PASSWORD_KEYS[1:]}
        if hashes:
            # of several, the operator keeps the hash alone
            full.pop(f"{name}/password", None)
        elif "password" not in given and not any(key.startswith("k8s_secret") for key in given):
            full[f"{name}/password"] = "" if name == "default" else "default"
    return full


def _secrets(prefix: str, settings: Mapping[str, Any], made: Files) -> dict[str, Any]:
    """Settings with `valueFrom` read from the environment instead; the variables are added to the container."""
    result: dict[str, Any] = {}
    for path, value in settings.items():
        reference = ((value.get("valueFrom") or {}).get("secretKeyRef")) if isinstance(value, Mapping) else None
        if reference is None:
            result[path] = value
            continue
        name = re.sub(r"[^A-Z0-9]", "_", f"{prefix}_{path}".upper())
        variable = {"name": name, "valueFrom": {"secretKeyRef": {"name": reference["name"], "key": reference["key"]}}}
        if variable not in made.env:
            made.env.append(variable)
        result[path] = FromEnv(name)
    return result


@dataclass(frozen=True)
class FromEnv:
    """A setting whose value the server reads from its environment."""

    variable: str


def _file(installation: Installation, path: str, content: Any, made: Files) -> None:
    folder, _, name = path.rpartition("/")
    reference = ((content.get("valueFrom") or {}).get("secretKeyRef")) if isinstance(content, Mapping) else None
    if reference is not None:
        volume = re.sub(r"[^a-z0-9-]", "-", path.lower())[:63].strip("-")
        items = [{"key": reference["key"], "path": reference["key"]}]
        made.volumes.append({"name": volume, "secret": {"secretName": reference["name"], "items": items}})
        mount = f"{installation.flavour.configuration}/secrets.d/{path}/{reference['name']}"
        made.mounts.append({"name": volume, "mountPath": mount, "readOnly": True})
        return
    text = str(content)
    if folder == "users.d":
        made.users[name] = text
    elif folder == installation.flavour.host_folder:
        made.host[name] = text
    else:
        made.common[name] = text


def _remote_servers(installation: Installation) -> str:
    clusters: dict[str, Any] = {}
    hosts = installation.hosts

    def replica(host: Host) -> dict[str, Any]:
        port = SECURE_PORTS["secureclient"] if secure(host) else CHI.ports["tcp"]
        return {"host": installation.statefulset(host), "port": port, "secure": int(secure(host))}

    for cluster in installation.clusters:
        shards = [
            {
                "internal_replication": "true" if cluster.replicas > 1 else "false",
                "replica": [replica(host) for host in hosts if host.cluster == cluster and host.shard == shard],
            }
            for shard in range(cluster.shards)
        ]
        secret = cluster_secret(installation, next(host for host in hosts if host.cluster == cluster))
        inside = {"secret": FromEnv(_SECRET_ENV)} if secret else {}
        clusters[cluster.name] = inside | {"shard": shards}
    every = [replica(host) for host in hosts]
    clusters["all-replicated"] = {"shard": [{"internal_replication": "true", "replica": every}]}
    clusters["all-sharded"] = {"shard": [{"internal_replication": "false", "replica": [one]} for one in every]}
    return _xml({"remote_servers": clusters}, installation)


def _put(into: dict[str, str], section: str, text: str) -> None:
    if text:
        into[f"chop-generated-{section}.xml"] = text


def _tree(settings: Mapping[str, Any]) -> dict[str, Any]:
    """`a/b: 1` as nested mappings."""
    tree: dict[str, Any] = {}
    for path, value in settings.items():
        *parents, last = [part for part in path.split("/") if part]
        place = tree
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = value
    return tree


def _xml(tree: Mapping[str, Any], installation: Installation) -> str:
    if not tree:
        return ""
    root = "yandex" if installation.flavour is CHI else "clickhouse"
    return "\n".join([f"<{root}>", *_elements(tree, 4), f"</{root}>"]) + "\n"


def _elements(tree: Mapping[str, Any], indent: int) -> Iterator[str]:
    # like the operator before 0.27.2, values are not escaped: `&` or `<` in one breaks the file
    space = " " * indent
    for tag, value in tree.items():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, FromEnv):
                yield f"{space}<{tag} from_env={quoteattr(item.variable)}></{tag}>"
            elif isinstance(item, Mapping):
                yield f"{space}<{tag}>"
                yield from _elements(item, indent + 4)
                yield f"{space}</{tag}>"
            else:
                yield f"{space}<{tag}>{item}</{tag}>"
