"""Would a ClickHouse server start with this configuration?

Only what is known to stop a start is looked at: files that are not well-formed XML, disks and storage policies, the size
of a cache, storage policies of system logs. Each rule but the last is held against the engine of ClickHouse 25.8 by
`tests/cluster/test_standin_server.py`; that a storage policy beside an engine stops a system log was seen on 26.9. The
verdicts are the engine's. The words are its own where it has some; for caches and macros the embedded engine gives
none, and these are the project's. Keys that a newer server knows count as unknown.

Everything else is taken to be right: this cannot prove that a server starts, only that it does not fail for one of
these reasons.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

Capacity = Callable[[str], "int | None"]
"""Path -> bytes of the volume that it is on; None where that is not known."""

_SIZE = re.compile(r"([0-9]+)(?:([KMGTP])(i?))?")
_MACRO = re.compile(r"\{([^{}]*)\}")
_BUILT_IN_MACROS = {"database", "table", "uuid", "server_uuid"}
_DISK_TYPES = {
    "azure", "azure_blob_storage", "cache", "encrypted", "hdfs", "local", "local_blob_storage", "object_storage", "s3",
    "s3_plain", "s3_plain_rewritable", "web",
}  # fmt: skip
_CACHE_KEYS = {
    "type", "disk", "path", "max_size", "max_size_ratio_to_total_space", "max_elements", "max_file_segment_size",
    "cache_on_write_operations", "cache_policy", "slru_size_ratio", "enable_filesystem_query_cache_limit",
    "cache_hits_threshold", "enable_bypass_cache_with_threshold", "bypass_cache_threshold", "boundary_alignment",
    "background_download_threads", "background_download_queue_size_limit", "background_download_max_file_segment_size",
    "load_metadata_threads", "load_metadata_asynchronously", "write_cache_per_user_id_directory", "keep_free_space_size_ratio",
    "keep_free_space_elements_ratio", "keep_free_space_remove_batch",
    "allow_dynamic_cache_resize",
}  # fmt: skip


def refusal(files: Mapping[str, str], capacity: Capacity = lambda _: None) -> str | None:
    """What the server would say and end with; None if it would start.

    `files` maps names (`config.d/storage.xml`) to contents.
    """
    try:
        return next(_problems(merged(files), capacity), None)
    except ValueError as error:
        return str(error)


def merged(files: Mapping[str, str]) -> Element:
    """The configuration that the files make, merged as the server merges them: in the order of their whole paths, so that what
    the operator knows of a host (`conf.d`) comes before what all hosts share (`config.d`). Raises ValueError."""
    whole = Element("clickhouse")
    for name in sorted(files):
        if not name.endswith((".xml", ".conf")):
            continue
        try:
            _merge(whole, ElementTree.fromstring(files[name]))
        except ElementTree.ParseError as error:
            raise ValueError(f"Failed to parse configuration file '{name}': {error}") from error
    return whole


def _merge(into: Element, more: Element) -> None:
    for child in more:
        held = [old for old in into if old.tag == child.tag]
        if child.get("remove"):
            for old in held:
                into.remove(old)
        elif child.get("replace"):
            for old in held:
                into.remove(old)
            into.append(child)
        elif len(held) == 1 and (len(held[0]) or len(child)):
            _merge(held[0], child)
            held[0].attrib.update(child.attrib)
        else:
            for old in held:
                into.remove(old)
            into.append(child)


def _problems(config: Element, capacity: Capacity) -> Iterator[str]:
    macros = {macro.tag for macro in config.find("macros") or ()} | _BUILT_IN_MACROS
    storage = config.find("storage_configuration")
    disks = list(storage.find("disks") or ()) if storage is not None else []
    names = {disk.tag for disk in disks} | {"default"}
    for disk in disks:
        yield from _disk(disk, names, macros, capacity)
    policies = {"default": None} | {
        policy.tag: policy for policy in ((storage.find("policies") or ()) if storage is not None else ())
    }
    for name, policy in policies.items():
        if policy is not None:
            yield from _policy(name, policy, names)
    chosen = (config.findtext("merge_tree/storage_policy") or "").strip()
    if chosen and chosen not in policies:
        yield f"Code: 478. DB::Exception: Unknown storage policy `{chosen}`. (UNKNOWN_POLICY)"
    yield from _logs(config, set(policies))


def _disk(disk: Element, names: set[str], macros: set[str], capacity: Capacity) -> Iterator[str]:
    kind = (disk.findtext("type") or "local").strip()
    if kind not in _DISK_TYPES:
        yield f"disk '{disk.tag}' has the unknown type '{kind}'"
    if kind == "cache":
        yield from _cache(disk, names, capacity)
    if kind in ("s3", "s3_plain", "s3_plain_rewritable"):
        for tag in ("endpoint", "endpoint_subpath"):
            for macro in _MACRO.findall(disk.findtext(tag) or ""):
                if macro not in macros:
                    yield f"disk '{disk.tag}': no macro '{macro}' for '{disk.findtext(tag)}'"
        if disk.find("endpoint") is None and disk.find("endpoint_subpath") is None:
            yield f"disk '{disk.tag}' has no endpoint"


def _cache(disk: Element, names: set[str], capacity: Capacity) -> Iterator[str]:
    where = f"cache '{disk.tag}'"
    wrapped = (disk.findtext("disk") or "").strip()
    if not wrapped:
        yield f"{where} names no disk"
    elif wrapped not in names:
        yield f"{where}: there is no disk '{wrapped}'"
    for setting in disk:
        if setting.tag not in _CACHE_KEYS:
            yield f"{where}: unknown setting '{setting.tag}'"
    path = (disk.findtext("path") or "").strip()
    if not path:
        yield f"{where} has no path"
    size = (disk.findtext("max_size") or "").strip()
    ratio = disk.find("max_size_ratio_to_total_space") is not None
    if bool(size) == ratio:
        yield f"{where}: one of max_size and max_size_ratio_to_total_space is wanted"
    if size:
        yield from _cache_size(where, size, capacity(path))


def _cache_size(where: str, text: str, room: int | None) -> Iterator[str]:
    match = _SIZE.fullmatch(text)
    if match is None:
        yield f"{where}: cannot parse max_size '{text}'"
        return
    number, letter, binary = match.groups()
    size = int(number) * (1024 if binary else 1000) ** (" KMGTP".index(letter) if letter else 0)
    if size == 0:
        yield f"{where}: max_size must not be zero"
    elif room is not None and size > room:
        yield f"{where}: max_size '{text}' is more than the {room} bytes of the volume that its path is on"


def _policy(name: str, policy: Element, disks: set[str]) -> Iterator[str]:
    volumes = list(policy.find("volumes") or ())
    if not volumes:
        yield (
            f"Code: 139. DB::Exception: Storage policy `{name}` must contain at least one volume. (NO_ELEMENTS_IN_CONFIG)"
        )
    for volume in volumes:
        used = [(entry.text or "").strip() for entry in volume.findall("disk")]
        if not used:
            yield (
                f"Code: 139. DB::Exception: Volume {volume.tag} must contain at least one disk. (NO_ELEMENTS_IN_CONFIG)"
            )
        for disk in used:
            if disk not in disks:
                yield f"Code: 479. DB::Exception: Unknown disk {disk}. (UNKNOWN_DISK)"


def _logs(config: Element, policies: set[str]) -> Iterator[str]:
    for log in config:
        if not log.tag.endswith("_log"):
            continue
        policy = (log.findtext("storage_policy") or "").strip()
        if policy and log.find("engine") is not None:
            yield f"{log.tag}: a storage_policy beside an engine; it belongs into the engine's text"
        engine = log.findtext("engine") or ""
        used = re.findall(r"storage_policy\s*=\s*'([^']*)'", engine) + ([policy] if policy else [])
        for name in used:
            if name not in policies:
                yield f"Code: 478. DB::Exception: Unknown storage policy `{name}`. (UNKNOWN_POLICY)"
