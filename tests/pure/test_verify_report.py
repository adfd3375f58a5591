"""What W&B's command prints, read as checks. The texts are those of `wandb` 0.31.0."""

from __future__ import annotations

from pathlib import Path

import pytest

from commands.verify import Check, VerifyError, checks, hint, run, stack_url

OK, BAD = "\u2705", "\u274c"


def line(text: str, mark: str = "") -> str:
    return text.ljust(72, ".") + mark + "\n"


REPORT = [
    "wandb: Find detailed logs for this test at: /tmp/x/wandb\n",
    line("Checking if logged in", OK),
    line("Checking signed URL upload", OK),
    line("Checking ability to send large payloads through proxy", BAD),
    '\x1b[31m\x1b[1mFailed to send a large payload. Check nginx.ingress.kubernetes.io/proxy-body-size is "0".\x1b[0m\n',
    line("Checking CORs configuration of the bucket", BAD),
    "\x1b[33m\x1b[1mYour object store does not have a valid CORs configuration, you must allow GET and PUT to Origin: x\x1b[0m\n",
    line("Checking artifact save and download workflows"),
    "wandb: 🚀 a line of its client\n",
    "Traceback (most recent call last):\n",
    '  File "x.py", line 1, in <module>\n',
    "wandb.errors.CommError: it broke\n",
]


def test_every_check_is_told_with_how_it_ended() -> None:
    found = list(checks(REPORT))
    assert [each.name for each in found if each.passed] == ["Checking if logged in", "Checking signed URL upload"]
    payload, cors, artifacts = [each for each in found if not each.passed]
    assert payload == Check(
        "Checking ability to send large payloads through proxy",
        passed=False,
        message='Failed to send a large payload. Check nginx.ingress.kubernetes.io/proxy-body-size is "0".',
    )
    assert cors.warning, "W&B's command does not fail for it"
    assert artifacts.message == "wandb.errors.CommError: it broke"
    assert not artifacts.warning


def test_a_check_that_dies_on_the_line_of_its_name_is_a_failed_one() -> None:
    dots = "." * 20
    found = list(
        checks([f"Checking signed URL upload{dots}Traceback (most recent call last):\n", "  File\n", "Error: no\n"])
    )
    assert found == [Check("Checking signed URL upload", passed=False, message="Error: no")]


def test_what_fails_often_comes_with_where_to_look() -> None:
    assert "bodies" in hint("Failed to send a large payload. Check nginx...")
    assert "bucket" in hint("Unable to download artifact. Check bucket permissions.")
    assert hint("something new") == ""


def test_the_url_is_that_of_the_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "pulumi"
    outputs = '{"url": "https://wandb.example.com", "verified": true}'
    program.write_text(
        f"#!/bin/sh\ncase \"$*\" in *'--stack prod'*) echo '{outputs}';; *) echo 'no such stack' >&2; exit 255;; esac\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    assert stack_url("prod") == "https://wandb.example.com"
    with pytest.raises(VerifyError, match="stack other: no such stack"):
        stack_url("other")
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    with pytest.raises(VerifyError, match="pulumi is not on PATH"):
        stack_url("prod")


def test_a_command_that_does_not_end_is_ended() -> None:
    lines = run(["sh", "-c", "echo the key is abc; sleep 60"], {"PATH": "/bin:/usr/bin"}, 0.01, "abc")
    assert next(lines) == "the key is [key]\n"
    with pytest.raises(VerifyError, match="did not end"):
        next(lines)
