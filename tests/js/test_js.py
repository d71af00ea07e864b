"""The JavaScript of the pages: its unit tests by Node's own runner, and its types.

The type checker is installed by npm on the first run.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from intellispark.realtime.events import EVENTS
from tests.support.npm import install_packages

pytestmark = pytest.mark.once

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
NODE = shutil.which("node")
NPM = shutil.which("npm")
TSC = HERE / "node_modules" / "typescript" / "bin" / "tsc"
needs_node = pytest.mark.skipif(NODE is None, reason="node is not on this machine")


def run(*command: str) -> None:
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def tsc() -> Path:
    if NPM is None:
        pytest.skip("npm is not on this machine, so the type checker cannot be installed")
    try:
        install_packages(HERE)
    except RuntimeError as error:
        pytest.skip(str(error))
    return TSC


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_every_event_of_the_socket_is_heard(name: str) -> None:
    folders = ("intellispark/static/js", "chat/static/chat/js", "payments/static/payments/js")
    sources = [path.read_text() for folder in folders for path in (ROOT / folder).glob("*.js")]
    assert any(f'"{name}"' in source for source in sources)


@needs_node
def test_units() -> None:
    files = sorted(path.name for path in HERE.glob("*.test.js"))
    assert files
    run(str(NODE), "--import", "./resolve.js", "--test", *files)


@needs_node
def test_types(tsc: Path) -> None:
    run(str(NODE), str(tsc), "--project", ".")
