"""The user of Weave: hash, fingerprint and grants."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from components.clickhouse import users
from tests.harness import clickhouse_space as space

PASSWORDS = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=32, max_size=64)


@given(PASSWORDS)
def test_the_hash_is_of_the_password_alone(password: str) -> None:
    # `sha256sum <<< password`, as guides write it, hashes a newline too
    assert users.password_hash(password) == hashlib.sha256(password.encode()).hexdigest()


@given(PASSWORDS)
def test_the_fingerprint_is_not_what_clickhouse_compares(password: str) -> None:
    assert users.digest(password) not in users.password_hash(password)


@given(PASSWORDS, PASSWORDS)
def test_the_fingerprint_changes_when_the_password_does(one: str, other: str) -> None:
    assert (users.digest(one) == users.digest(other)) is (one == other)


def test_the_user_reaches_its_own_databases_and_manages_nobody() -> None:
    settings = users.settings(space.USER, ["10.0.0.0/8"])
    assert "weave/access_management" not in settings
    grants = settings["weave/grants/query"]
    assert "GRANT ALL ON weave.*" in grants
    assert not [grant for grant in grants if "ALL ON *" in grant or "GRANT OPTION" in grant or "ACCESS" in grant]
    assert settings["weave/networks/ip"] == ["10.0.0.0/8"]
