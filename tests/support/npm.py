"""What npm installs for tests, once for all workers."""

from __future__ import annotations

import fcntl
import re
import shutil
import subprocess
from pathlib import Path

OPTIONS = [
    "--no-audit",
    "--no-fund",
    "--prefer-offline",  # what it has is as locked
    "--fetch-retry-mintimeout=1000",  # by itself it takes a minute to find no network
    "--fetch-retry-maxtimeout=5000",
]


def install_packages(folder: Path) -> None:
    """Install as locked, unless that was done. Raises RuntimeError, in one line, when npm cannot.

    One worker at a time: npm begins by removing what another one is just writing.
    """
    modules = folder / "node_modules"
    done = modules / ".installed"
    lock = folder / "package-lock.json"
    with lock.open() as mine:
        fcntl.flock(mine, fcntl.LOCK_EX)
        if done.exists() and done.read_bytes() == lock.read_bytes():
            return
        ended = subprocess.run(["npm", "ci", *OPTIONS], cwd=folder, capture_output=True, text=True)
        if ended.returncode:
            code = re.search(r"npm (?:error|ERR!) code (\w+)", ended.stderr)
            raise RuntimeError(
                f"npm could not install tests/{folder.name}:"
                f" {code[1] if code else f'exit code {ended.returncode}'}"
            )
        shutil.copyfile(lock, done)
