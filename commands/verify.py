"""`make verify STACK=...`: W&B's own `wandb verify` against a stack that runs.

Before it, the way there is looked at, because `wandb verify` ends with a traceback where something is in the way: does the
host answer, is its certificate trusted here, is the API key one of this installation. Then each of W&B's checks is shown as
it ends, and what failed is shown again at the end with what to look at.

The API key is read from WANDB_API_KEY alone and handed on in the environment: it is in no command line, and what is printed
has it masked. The command's home, settings and temporary files are in a folder of its own.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Annotated

import click
import typer

from settings.stack_file import PROJECT
from tools.bootstrap import BootstrapError, extras

from . import way_there

KEY = "WANDB_API_KEY"
MINUTES = 10
PASSED, FAILED = "\u2705", "\u274c"
"""How W&B marks the end of a check."""
_CHECK = re.compile(r"(Checking .+?)\.{2,}(.*)")
_ONLY_WARNED = ("not made over https", "valid CORs configuration", "not supported by your local installation")
"""Of these W&B warns, in yellow, and its command does not fail for them."""
_KNOWN = 10
"""Checks that `wandb verify` 0.31.0 makes; two of them only once a signed URL is had."""

HINTS: Mapping[str, str] = {
    "large payload": 'the Ingress must take request bodies of any size: docs/wandb.md, "The way in"',
    "CORs": "the bucket must allow GET and PUT from W&B's URL: docs/configuration.md, `objectStore`",
    "Signed URL requests not made over https": "the bucket's endpoint is http: training machines will send files in clear text",
    "Unable to read file": "W&B must reach the bucket, and so must this machine, unless files are `proxied`",
    "Unable to download": "W&B must reach the bucket, and so must this machine, unless files are `proxied`",
    "not made over https": "`ingress.tls` is none: passwords and keys travel in clear text",
    "database encoding": "MySQL's database must be utf8mb4 with utf8mb4_general_ci: docs/operations.md",
    "wandb version": "the version of the command differs from the server's; that alone breaks nothing",
}
"""What to look at, by a part of what W&B says."""


class VerifyError(Exception):
    """The verification cannot begin; the text says what is in the way and what to do."""


@dataclass(frozen=True)
class Check:
    """One check, as W&B reported it."""

    name: str
    passed: bool
    warning: bool = False
    message: str = ""


def stack_url(stack: str, run: Callable[..., subprocess.CompletedProcess[str]] = subprocess.run) -> str:
    """The output `url` of a stack. Raises VerifyError."""
    program = shutil.which("pulumi")
    if program is None:
        raise VerifyError(
            "pulumi is not on PATH, which knows the stack's URL. Install it, or give the URL: make verify URL=https://..."
        )
    done = run(
        [program, "stack", "output", "--json", "--stack", stack, "--cwd", str(PROJECT)],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode:
        raise VerifyError(f"pulumi does not tell the outputs of stack {stack}: {done.stderr.strip()}")
    url = json.loads(done.stdout).get("url")
    if not url:
        raise VerifyError(
            f"stack {stack} has no output `url`: it was not brought up to its end. Run `pulumi up` first."
        )
    return str(url)


def checks(lines: Iterable[str]) -> Iterator[Check]:
    """W&B's report, read line by line: `Checking this.........<mark>`, and below a red mark why.

    A check that ends with an error of its own has no mark: what the command printed then is the reason.
    """
    name, said = "", list[str]()
    for line in lines:
        text = line.rstrip("\n")
        if begun := _CHECK.match(text):
            if name:
                yield _failed(name, said)
            name, text, said = begun[1], begun[2], []
        if not name or text.startswith("wandb: "):
            continue
        if text.endswith(PASSED):
            yield Check(name, passed=True)
            name = ""
        else:
            said.append(text.removesuffix(FAILED))
    if name:
        yield _failed(name, said)


def _failed(name: str, said: Sequence[str]) -> Check:
    message = _reason([text for each in said if (text := click.unstyle(each).strip())])
    return Check(name, passed=False, warning=any(part in message for part in _ONLY_WARNED), message=message)


def _reason(lines: Sequence[str]) -> str:
    """What W&B said, of a traceback the end alone."""
    start = next((index for index, each in enumerate(lines) if each.startswith("Traceback (most recent")), None)
    if start is None:
        return " ".join(lines)
    return " ".join([*lines[:start], lines[-1]])


def hint(message: str) -> str:
    """What to look at; empty where nothing is known."""
    return next((text for part, text in HINTS.items() if part.lower() in message.lower()), "")


@contextlib.contextmanager
def room() -> Generator[Path]:
    """A folder that the command has to itself. What it logs stays there when it failed."""
    folder = Path(tempfile.mkdtemp(prefix="wandb-verify-"))
    folder.chmod(0o700)
    try:
        yield folder
    finally:
        for each in (".netrc", "home"):  # the command may note the key there
            path = folder / each
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


def environment(folder: Path, url: str, key: str, authority: Path | None) -> dict[str, str]:
    """The command's environment: nothing of the user's own settings of W&B, and the key."""
    home = folder / "home"
    home.mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WANDB_")}
    trusted = _trusted(folder, authority) if authority else {}
    return {
        **kept,
        **trusted,
        KEY: key,
        "WANDB_BASE_URL": url,
        "WANDB_CONFIG_DIR": str(home),
        "WANDB_CACHE_DIR": str(home / "cache"),
        "WANDB_DATA_DIR": str(home / "data"),
        "HOME": str(home),
        "NETRC": str(folder / ".netrc"),
        "TMPDIR": str(folder),
        "PYTHONUNBUFFERED": "1",  # each check is to be seen as it ends
        "PYTHONIOENCODING": "utf-8",
        "WANDB_ERROR_REPORTING": "false",  # nothing goes to anybody but the installation
    }


def _trusted(folder: Path, authority: Path) -> dict[str, str]:
    """Both halves of W&B's client, and its Python part by another variable, believe this machine's authorities and `authority`."""
    bundle, usual = folder / "authorities.pem", ssl.get_default_verify_paths().cafile
    bundle.write_text("\n".join(Path(each).read_text() for each in filter(None, (usual, authority))))
    return dict.fromkeys(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"), str(bundle))


def run(command: Sequence[str], env: Mapping[str, str], minutes: float, key: str) -> Iterator[str]:
    """The lines of a command, the key masked; it is ended with all it started when it takes longer than `minutes`.

    Raises VerifyError then.
    """
    process = subprocess.Popen(
        command,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
    late = threading.Event()

    def end() -> None:
        late.set()
        _kill(process)

    timer = threading.Timer(minutes * 60, end)
    timer.daemon = True
    timer.start()
    try:
        output: IO[str] = process.stdout or sys.stdin
        for line in output:
            yield line.replace(key, "[key]")
        process.wait()
    finally:
        timer.cancel()
        _kill(process)
    if late.is_set():
        raise VerifyError(
            f"W&B's checks did not end within {minutes:g} minutes: one of them waits for an answer (MINUTES=20)"
        )


def _kill(process: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, 9)


def verify(url: str, key: str, say: Callable[[str], None], *, authority: Path | None, minutes: int) -> bool:
    """Run W&B's checks and say how each ends. Returns whether none failed. Raises VerifyError and BootstrapError."""
    say(f"{url}: is it there, is its certificate trusted, is the key one of its own?")
    say(f"  yes: signed in as {way_there.signed_in(url, key, authority)}")
    python = extras.wandb()
    began, found = time.monotonic(), list[Check]()
    with room() as folder:
        say("W&B's own checks (`wandb verify`), a minute or two:")
        command = [str(python), "-m", "wandb", "verify", "--host", url]
        for check in checks(run(command, environment(folder, url, key, authority), minutes, key)):
            found.append(check)
            mark = "ok" if check.passed else "warning" if check.warning else "FAILED"
            passed = time.monotonic() - began
            say(f"  {len(found):2}/{_KNOWN} {check.name.removeprefix('Checking '):62} {mark:8} {passed:5.0f} s")
        return _summary(found, folder, say)


def _summary(found: Sequence[Check], folder: Path, say: Callable[[str], None]) -> bool:
    bad = [each for each in found if not each.passed and not each.warning]
    for check in [each for each in found if not each.passed]:
        say(f"{'warning' if check.warning else 'FAILED'}: {check.name}: {check.message or 'no reason given'}")
        if advice := hint(check.message):
            say(f"  look at: {advice}")
    if not found:
        say("W&B's command ended without a check.")
    if bad or not found:
        say(f"W&B's own logs of this are in {folder}; in the cluster: kubectl -n wandb logs deployment/wandb-api")
        return False
    shutil.rmtree(folder, ignore_errors=True)
    say(f"Verified: {len(found)} checks, none failed.")
    return True


def main(
    stack: Annotated[str, typer.Option(help="The stack whose output `url` is verified.")] = "dev",
    url: Annotated[str, typer.Option(help="W&B's URL, in place of the stack's.")] = "",
    ca: Annotated[
        Path | None, typer.Option(help="Certificates (PEM) of further authorities to trust.", exists=True)
    ] = None,
    minutes: Annotated[int, typer.Option(help="How long all checks may take.", min=1)] = MINUTES,
) -> None:
    """Run W&B's own `wandb verify` against a stack that runs. The API key is read from WANDB_API_KEY."""

    def say(text: str) -> None:
        typer.echo(text)
        sys.stdout.flush()

    try:
        where = (url or stack_url(stack)).rstrip("/")
        key = os.environ.get(KEY, "").strip()
        if not key:
            raise VerifyError(f"{KEY} is not set. Copy a key of yours from {where}/authorize, and: export {KEY}=...")
        good = verify(where, key, say, authority=ca, minutes=minutes)
    except (VerifyError, way_there.InTheWay, BootstrapError) as error:
        typer.echo(f"verify: {error}", err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        typer.echo("verify: interrupted", err=True)
        raise typer.Exit(130) from None
    raise typer.Exit(0 if good else 1)


if __name__ == "__main__":
    typer.run(main)
