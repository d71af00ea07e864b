"""A real server process on the test database."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from django.conf import settings
from django.db import connection

from tests.support.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
START_SECS = 120  # limits only bound what hangs: a loaded machine takes its time
END_SECS = 60
PATIENT = {  # with a peer that holds its reply until the test has done what it wants to do
    "AI_PROVIDER": "openai",
    "AI_FIRST_TOKEN_TIMEOUT": "900",
    "AI_IDLE_TIMEOUT": "900",
    "AI_TOTAL_TIMEOUT": "900",
}


def database_url() -> str:
    """The URL of the database that the tests are using right now."""
    found = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{found['NAME']}"
    login = f"{found['USER']}:{found['PASSWORD']}".rstrip(":")
    if folder := found["OPTIONS"].get("host"):  # a socket
        return f"postgres://{login}@/{found['NAME']}?host={folder}"
    port = f":{found['PORT']}" if found["PORT"] else ""
    return f"postgres://{login}@{found['HOST']}{port}/{found['NAME']}"


class Server:
    """`manage.py serve` in a process of its own. Use as a context manager."""

    def __init__(self, *options: str, **env: str) -> None:
        self._options = options
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._env = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "DATABASE_URL": database_url(),
            "TEST_DB_SUFFIX": "",  # the name above is whole
            "PYTEST_XDIST_WORKER": "",
            "REDIS_URL": settings.REDIS_URL,
            "PORT": str(self.port),
            **env,
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Server:
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "serve", *self._options], cwd=ROOT, env=self._env
        )
        deadline = time.monotonic() + START_SECS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"The server ended with {self.process.returncode}.")
            try:
                urllib.request.urlopen(f"{self.url}/healthz", timeout=5).close()
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.1)
            else:
                return self
        self.kill()
        raise TimeoutError("The server did not answer.")

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        """SIGKILL: nothing in the process gets to say goodbye."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        return self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        try:
            return self.process.wait(END_SECS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise

    def __enter__(self) -> Server:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, *exc: object) -> None:
        """A server that still runs has to end well; a failure inside is the one to be seen."""
        if self.is_running:
            code = self.stop()
            assert code == 0 or kind is not None, f"The server ended with {code}."
