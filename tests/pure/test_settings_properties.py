"""Any settings document is either accepted, or refused in words that a user can act on, without any secret's text."""

from __future__ import annotations

import re
from collections.abc import Collection
from itertools import accumulate
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic_core import PydanticUndefined

from settings import InvalidSettings, parse
from settings.surface import Key, surface

SECRET = "s3cr3t-text"
KEYS = {each.path: each for each in surface()}
_FROM_PYDANTIC = re.compile(r"Input should|Field required|validation error|pydantic|Extra inputs|type=")

junk = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 500),
    st.floats(allow_nan=False, allow_infinity=False, width=16),
    st.sampled_from(
        ["", "x", "in-cluster", "external", "managed", "none", "a.b", "https://a/b", "8.4", "Ä b", "{", "3"]
    ),
    st.text(max_size=8),
    st.lists(st.text(max_size=3), max_size=2),
    st.dictionaries(st.sampled_from(["kind", "name", "host", "x"]), st.text(max_size=3), max_size=2),
)
unknown_names = st.text(alphabet="abcXYZ_-", min_size=1, max_size=6).map(lambda text: f"zz{text}")


def likely(key: Key) -> st.SearchStrategy[Any]:
    """Values that may well be right for `key`."""
    if key.choices and not key.models:
        return st.sampled_from(key.choices)
    if key.secret:
        return st.just(SECRET)
    if key.type.startswith("whole number"):
        return st.integers(1, 20)
    if key.type.startswith("`true`"):
        return st.booleans()
    if key.type.startswith("list of"):
        return st.lists(st.sampled_from(["models", "weave"]), max_size=2)
    if isinstance(key.default, str):
        return st.just(key.default)
    return st.sampled_from(["wandb", "wandb.example.com", "1.2.3", "500m", "4Gi"])


def children(path: str) -> list[Key]:
    prefix = f"{path}." if path else ""
    return [key for each, key in KEYS.items() if each.startswith(prefix) and "." not in each[len(prefix) :]]


@st.composite
def sections(draw: st.DrawFn, path: str = "") -> dict[str, Any]:
    """A section with some of its keys, most of them right, and now and then one that does not exist."""
    found: dict[str, Any] = {}
    for key in children(path):
        wanted = key.required or key.name == "kind"
        if not draw(st.integers(0, 9)) if wanted else draw(st.integers(0, 2)):
            continue
        if not draw(st.integers(0, 9)) and not key.secret:
            found[key.name] = draw(junk)
        elif key.models:
            found[key.name] = draw(sections(key.path))
        elif key.type == "section":
            found[key.name] = {draw(st.sampled_from(["api", "weave", "apy"])): draw(sections(f"{key.path}.<name>"))}
        elif key.type == "texts by name":
            found[key.name] = draw(st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2))
        else:
            found[key.name] = draw(likely(key))
    if not draw(st.integers(0, 9)):
        found[draw(unknown_names)] = SECRET
    return found


documents = sections()
secret_keys = st.sets(st.sampled_from([f"wandb:{each.path}" for each in children("")]))


def known(key: str) -> bool:
    """Whether `key` is one of ours, or an unknown one below one of ours, whose name may have dots."""
    path = re.sub(r"\[\d+\]", "", key.removeprefix("wandb:"))
    path = re.sub(r"^((?:sizing|instance)\.components)\.[^.]+", r"\1.<name>", path)
    above = ["", *accumulate(path.split("."), "{}.{}".format)]
    return any(each in KEYS or each.endswith(".<name>") for each in above) or "." not in path


def refusal(document: dict[str, Any], secret: Collection[str] = ()) -> InvalidSettings | None:
    """None: the document was accepted."""
    try:
        assert SECRET not in repr(parse(document, secret_keys=secret))
    except InvalidSettings as error:
        return error
    return None


@settings(max_examples=150, deadline=None)
@given(documents, secret_keys)
def test_any_document_is_accepted_or_refused_in_our_words(document: dict[str, Any], secret: set[str]):
    error = refusal(document, secret)
    if error is None:
        return
    assert error.problems
    assert SECRET not in str(error)
    assert not _FROM_PYDANTIC.search(str(error))
    for problem in error.problems:
        assert problem.key.startswith("wandb:")
        assert known(problem.key), problem.key
        assert problem.wrong.strip()
        assert problem.right.strip().endswith((".", "?"))
        assert "\n" not in str(problem)
    assert len({str(each) for each in error.problems}) == len(error.problems)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.one_of(st.sampled_from([each.path for each in children("")]), unknown_names), junk))
def test_any_junk_is_refused_with_known_keys(document: dict[str, Any]):
    error = refusal(document)
    assert error is not None
    assert all(known(each.key) for each in error.problems)


@given(st.sampled_from([each for each in surface() if "<name>" not in each.path]))
def test_every_key_says_what_it_is_for(key: Key):
    assert len(key.description) > 8
    assert key.description.endswith(".")
    assert key.type
    assert key.default is not PydanticUndefined or key.required or key.default_text
