"""What npm installs for tests, once for all workers."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from pathlib import Path


def install_packages(folder: Path) -> None:
    """Install as locked, unless that was done. Raises RuntimeError when npm cannot.

    One worker at a time: npm begins by removing what another one is just writing.
    """
    modules = folder / "node_modules"
    done = modules / ".installed"
    lock = folder / "package-lock.json"
    with lock.open() as mine:
        fcntl.flock(mine, fcntl.LOCK_EX)
        if done.exists() and done.read_bytes() == lock.read_bytes():
            return
        command = ["npm", "ci", "--no-audit", "--no-fund"]
        ended = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if ended.returncode:
            raise RuntimeError(f"npm ci failed: {ended.stderr.strip()[-300:]}")
        shutil.copyfile(lock, done)
