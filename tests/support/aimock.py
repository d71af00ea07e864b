"""`@copilotkit/aimock`: the OpenAI protocol as somebody else understood it."""

from __future__ import annotations

import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.npm import install_packages
from tests.support.ports import free_port

PEERS = Path(__file__).resolve().parents[1] / "peers"
COMMAND = PEERS / "node_modules" / "@copilotkit" / "aimock" / "dist" / "cli.js"
START_SECS = 120


class NoPeer(Exception):
    """Why it cannot run here."""


def install() -> None:
    """Install it as locked, once. Raises NoPeer."""
    if not shutil.which("node") or not shutil.which("npm"):
        raise NoPeer("node and npm are not installed")
    try:
        install_packages(PEERS)
    except RuntimeError as error:
        raise NoPeer(str(error)) from error


@contextmanager
def aimock() -> Iterator[str]:
    """Its base URL, while it runs with the replies of `tests/peers/replies.json`."""
    port = free_port()
    process = subprocess.Popen(
        ["node", COMMAND, "-p", str(port), "-f", PEERS / "replies.json", "--log-level", "warn"],
        cwd=PEERS,
    )
    try:
        _wait_until_up(port)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait(60)


def _wait_until_up(port: int) -> None:
    deadline = time.monotonic() + START_SECS
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/models", timeout=5).close()
        except urllib.error.HTTPError:
            return  # any answer is a sign of life
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
        else:
            return
    raise NoPeer("it did not answer")
