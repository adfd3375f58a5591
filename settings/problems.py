"""What is wrong with a stack's settings, in one form for every message.

    wandb:<key>: <what is wrong> (got X). <what would be right>

`got X` is left out where X is, or may be, a secret.
"""

from __future__ import annotations

import difflib
import functools
import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import ErrorDetails

from .surface import NAMESPACE, Key, full, surface

_HIDDEN = re.compile(r"password|secret|licen[cs]e|token|keysSecret|caCertificates|\btls\.ca\b", re.IGNORECASE)
_CREDENTIALS = re.compile(r"//[^/]*@")
_GOT = re.compile(r" \(got .*?\)")
_LONGEST = 80


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing to change."""

    key: str
    """Full key, as in `wandb:clickhouse.cacheGiB`."""
    wrong: str
    """What is wrong, following the key: `is ...`. Ends without a full stop."""
    right: str
    """What would be right: whole sentences."""

    def __str__(self) -> str:
        return f"{self.key}: {self.wrong}. {self.right}"


def problem(path: str, wrong: str, right: str) -> Problem:
    """A problem of the key `path`, given without namespace. Values and unknown keys are the user's text: what does not
    print, such as line ends and escape codes, is taken out of it."""
    return Problem(key=full(_printable(path)), wrong=_printable(wrong), right=_printable(right))


def _printable(text: str) -> str:
    return "".join(each if each.isprintable() else " " for each in text)


def without_values(found: Problem) -> Problem:
    """The problem without `(got X)`."""
    return Problem(key=found.key, wrong=_GOT.sub("", found.wrong), right=found.right)


def report(problems: Iterable[Problem], stack: str) -> str:
    """Every problem, one to a line, for the user of `stack`. Never empty lines, never a traceback."""
    found = list(problems)
    count = "1 problem" if len(found) == 1 else f"{len(found)} problems"
    lines = [f"{count} in the settings of stack {stack}; nothing was changed:"]
    lines += [f"  {each}" for each in found]
    lines.append(f"Every key is described in docs/configuration.md. The settings are in Pulumi.{stack}.yaml.")
    return "\n".join(lines)


class Location:
    """Where in the settings an error of pydantic is: its path in a stack file and the key it belongs to."""

    def __init__(self, loc: tuple[int | str, ...]) -> None:
        self.path = ""
        self.key: Key | None = None
        known = {each.path: each for each in surface()}
        pattern = ""
        for part in loc:
            section = known.get(pattern)
            if part == "[key]" or (section and part in section.models and part != ""):
                continue
            if isinstance(part, int):
                self.path += f"[{part}]"
                continue
            self.path = f"{self.path}.{part}" if self.path else part
            chosen = f"{pattern}.<name>" if pattern in _chosen() else ""
            pattern = chosen or (f"{pattern}.{part}" if pattern else part)
        above = known.get(pattern.rpartition(".")[0])
        self.key = known.get(pattern) or (above if above and above.type == "texts by name" else None)
        self.parent = pattern.rpartition(".")[0]


@functools.cache
def _chosen() -> frozenset[str]:
    """Sections whose keys the user chooses."""
    return frozenset(each.path.partition(".<name>")[0] for each in surface() if "<name>" in each.path)


def siblings(parent: str, kind: object = None) -> list[str]:
    """The keys that the section `parent` has, or has where its kind is `kind`."""
    prefix = f"{parent}." if parent else ""
    found = [each for each in surface() if each.path.startswith(prefix) and "." not in each.path[len(prefix) :]]
    return [each.name for each in found if not each.kinds or not isinstance(kind, str) or kind in each.kinds]


def nearest(word: str, words: Collection[str]) -> str | None:
    """The one of `words` that `word` was probably meant to be."""
    lower = {each.lower(): each for each in words}
    begun = [each for each in lower if len(word) > 2 and each.startswith(word.lower())]
    close = begun or difflib.get_close_matches(word.lower(), lower, n=1, cutoff=0.6)
    return lower[close[0]] if close else None


def translate(error: ErrorDetails, document: Mapping[str, Any], secret_keys: Collection[str]) -> list[Problem]:
    """An error of pydantic in our words. A missing section yields a problem for each key that it must have."""
    loc = error["loc"]
    at = Location(loc)
    got = _got(at, error["input"], loc, secret_keys)
    match error["type"]:
        case "missing":
            return _missing(at)
        case "default_factory_not_called":
            return []  # the key that this default follows from has its own problem
        case "extra_forbidden":
            return [_unknown(at, document, loc)]
        case "union_tag_not_found":
            return [problem(f"{at.path}.kind", "is missing", _one_of(f"{_pattern(at)}.kind"))]
        case "union_tag_invalid":
            kind = "" if full(str(loc[0])) in secret_keys else _quoted(error.get("ctx", {}).get("tag"), at.path)
            return [problem(f"{at.path}.kind", f"is not a known kind{kind}", _one_of(f"{_pattern(at)}.kind"))]
        case "refused":
            context = error.get("ctx", {})
            like = f" Here: `{context['like']}`." if context["like"] and got else ""
            return [problem(at.path, f"{context['wrong']}{got}", f"{context['right']}{like}")]
        case "literal_error":
            return [_not_a_choice(at, error["input"], got, loc)]
        case "string_too_short" | "too_short":
            return [problem(at.path, "is empty", f"Give {_expected(at)}, or leave the key out.")]
        case "string_too_long":
            return [problem(at.path, f"is too long{got}", "Kubernetes takes at most 253 characters here.")]
        case _:
            return [problem(at.path or NAMESPACE, f"is not {_expected(at)}{got}", _how(at, error["input"]))]


def _pattern(at: Location) -> str:
    return at.key.path if at.key else at.path


def _missing(at: Location) -> list[Problem]:
    if at.key and at.key.models and "" in at.key.models:
        inner = [each for each in surface() if each.path.startswith(f"{at.key.path}.") and each.required]
        direct = [each for each in inner if "." not in each.path[len(at.key.path) + 1 :]]
        return [
            problem(
                f"{at.path}.{each.name}",
                "is missing",
                f"{each.description.split('. ')[0].rstrip('.')}: give {each.type}.",
            )
            for each in direct
        ]
    description = at.key.description.split(". ")[0].rstrip(".") if at.key else "It must be given"
    return [problem(at.path, "is missing", f"{description}: give {_expected(at)}.")]


def _unknown(at: Location, document: Mapping[str, Any], loc: tuple[int | str, ...]) -> Problem:
    name, parent = str(loc[-1]), at.parent
    section = _value(document, loc[:-1])
    kind = section.get("kind") if isinstance(section, Mapping) else None
    known = siblings(parent, kind)
    near = nearest(name, known)
    if name in siblings(parent):
        return problem(at.path, f"has no meaning where `kind` is {kind}", f"Known here: {', '.join(known)}.")
    if near:
        return problem(at.path, "is not a known key", f"Did you mean `{full(_joined(at.path, near))}`?")
    return problem(at.path, "is not a known key", f"Known here: {', '.join(known)}.")


def _joined(path: str, name: str) -> str:
    parent = path.rpartition(".")[0]
    return f"{parent}.{name}" if parent else name


def _value(document: Any, loc: Iterable[int | str]) -> Any:
    """What stands at `loc`; tags of unions, which are not in the document, are passed over."""
    here = document
    for part in loc:
        if (
            isinstance(here, Mapping)
            and part in here
            or isinstance(here, list)
            and isinstance(part, int)
            and part < len(here)
        ):
            here = here[part]
    return here


def _one_of(pattern: str) -> str:
    choices = next((each.choices for each in surface() if each.path == pattern), ())
    return f"Use one of: {', '.join(map(str, choices))}."


def _not_a_choice(at: Location, value: Any, got: str, loc: tuple[int | str, ...]) -> Problem:
    choices = [str(each) for each in (at.key.choices if at.key else ())]
    if not choices and at.key and at.key.type.startswith("list of"):
        choices = re.findall(r"`([^`]+)`", at.key.type)
    if loc and loc[-1] == "[key]":
        choices = [str(each) for each in _component_names(at)]
    near = nearest(value, choices) if isinstance(value, str) else None
    hint = f" Did you mean {near}?" if near else ""
    return problem(at.path, f"is not a known value{got}", f"Use one of: {', '.join(choices)}.{hint}")


def _component_names(at: Location) -> tuple[Any, ...]:
    section = at.path.rpartition(".")[0]
    return next((each.choices for each in surface() if each.path == section), ())


def _expected(at: Location) -> str:
    if at.key is None:
        return "text"
    if at.path.endswith("]"):
        return re.sub(r"^list of ", "", at.key.type)
    text = at.key.type
    if "." in at.path and at.key.type == "texts by name" and at.path != at.key.path:
        return "text"
    return f"a {text}" if text.startswith(("whole number", "section", "list")) else text


def _how(at: Location, value: Any) -> str:
    """What would be right where the type is wrong."""
    kind = at.key.type if at.key else "text"
    if kind == "section":
        return f"Write its keys below it: {', '.join(siblings(_pattern(at)) or ['name'])}."
    if kind.startswith("list of"):
        return "Write a list, as in `[models, weave]`."
    if kind.startswith("whole number"):
        return f"Give a{kind.removeprefix('whole')} without quotes and decimals.".replace("a number", "a whole number")
    if kind.startswith("`true`"):
        return "Write true or false without quotes."
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f'Put it in quotes: "{value}".' if not _HIDDEN.search(at.path) else "Put it in quotes."
    return "Give one line of text."


def _got(at: Location, value: Any, loc: tuple[int | str, ...], secret_keys: Collection[str]) -> str:
    """` (got X)`, or nothing where X is, or may be, a secret."""
    if not loc or at.key is None or at.key.secret or full(str(loc[0])) in secret_keys:
        return ""
    if isinstance(value, str) and at.key.models:
        return " (got text)"  # where a section belongs, a user may have put a password
    if isinstance(value, str) and at.key.type.startswith(("whole number", "`true`")) and not _HIDDEN.search(at.path):
        return f' (got the text "{value[:_LONGEST]}")'
    return _quoted(value, at.path)


def _quoted(value: Any, path: str) -> str:
    if _HIDDEN.search(path):
        return ""
    if isinstance(value, Mapping):
        return " (got a section)"
    if isinstance(value, list):
        return " (got a list)"
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, bool | int | float) or value is None else value
    if not isinstance(text, str) or _CREDENTIALS.search(text):
        return ""
    text = " ".join(text.split())
    return f" (got {text[:_LONGEST]}...)" if len(text) > _LONGEST else f" (got {text})" if text else " (got nothing)"


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Problems in the order of the documentation, without repetitions; unknown keys after their neighbours."""
    order = [full(each.path) for each in surface()]

    def rank(each: Problem) -> tuple[int, int, str]:
        path = re.sub(r"\[\d+\]", "", each.key)
        if path in order:
            return order.index(path), 0, each.key
        section = re.split(r"[.:]", path)
        below = [index for index, key in enumerate(order) if re.split(r"[.:]", key)[: len(section) - 1] == section[:-1]]
        return (below[-1] if below else len(order)), 1, each.key

    return sorted(dict.fromkeys(problems), key=rank)
