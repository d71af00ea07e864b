"""A real server, a real browser, and people who are signed in to it."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from playwright.sync_api import BrowserContext, expect

from intellispark.accounts.models import User
from tests.e2e.model import Model
from tests.support.browser import PATIENCE_SECS
from tests.support.engines import chromium_path
from tests.support.factories import make_user
from tests.support.server import PATIENT, ROOT, Server

# Playwright's synchronous API leaves a loop running in this thread; nothing else uses it here.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

# A wait ends when what it waits for is there; only a failure takes so long.
expect.set_options(timeout=PATIENCE_SECS * 1_000)

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    path = chromium_path()
    if path is None:
        pytest.skip("No Chromium on this machine: install it or set CHROMIUM to its path.")
    return {"executable_path": path, "args": FLAGS}


@pytest.fixture(scope="session", autouse=True)
def _open_database(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The server works on the same database, so nothing is rolled back between tests."""
    with django_db_blocker.unblock():
        call_command("load_characters", verbosity=0)
        yield


@pytest.fixture(scope="session")
def production(testrun_uid: str) -> dict[str, str]:
    """The environment of a production start: the browser gets what people get."""
    env = {
        "DJANGO_SETTINGS_MODULE": "intellispark.settings",
        "DEBUG": "0",
        "SECRET_KEY": settings.SECRET_KEY,
        "ALLOWED_HOSTS": "127.0.0.1",
        "RATE_LIMITS": "off",
        "PAYMENTS": "sandbox",
    }
    folder = Path(tempfile.gettempdir())
    collected = folder / f"intellispark-collected-{testrun_uid}"
    with (folder / "intellispark-collectstatic.lock").open("w") as lock:
        # One worker for all: the files vanish for a moment while they are written anew, and a
        # page of another worker's server would come without its styles.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not collected.exists():
            subprocess.run(
                [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity", "0"],
                cwd=ROOT,
                env={**os.environ, "DATABASE_URL": "sqlite:///:memory:", **env},
                check=True,
            )
            collected.touch()
    return env


@pytest.fixture(scope="session")
def _model() -> Iterator[Model]:
    with Model() as running:
        yield running


@pytest.fixture
def model(_model: Model) -> Iterator[Model]:
    """What the characters speak by. After the test nothing is being said any more."""
    yield _model
    _model.hang_up()


@pytest.fixture(scope="session")
def _server(_open_database: None, production: dict[str, str], _model: Model) -> Iterator[Server]:
    settings = {**PATIENT, "DJANGO_SETTINGS_MODULE": "tests.e2e.settings"}
    with Server(**{**production, **settings, "OPENAI_BASE_URL": _model.url}) as running:
        yield running


@pytest.fixture
def server(_server: Server, model: Model) -> Server:
    """One for all tests of this worker: each has people of its own. (A test may have ended it.)"""
    if not _server.is_running:
        _server.start()
    return _server


@pytest.fixture
def alice() -> User:
    return make_user()


@pytest.fixture
def visit(
    new_context: Callable[..., BrowserContext], server: Server
) -> Callable[..., BrowserContext]:
    """`visit()` is a browser context of its own in which nobody is signed in."""

    def make(**options: Any) -> BrowserContext:
        context = new_context(base_url=server.url, **options)
        context.set_default_timeout(PATIENCE_SECS * 1_000)
        return context

    return make


@pytest.fixture
def visitor(visit: Callable[..., BrowserContext]) -> BrowserContext:
    return visit()


@pytest.fixture
def sign_in(visit: Callable[..., BrowserContext], server: Server) -> Callable[..., BrowserContext]:
    """`sign_in(user)` is a browser context of its own in which that person is signed in."""

    def make(user: User, **options: Any) -> BrowserContext:
        client = Client()
        client.force_login(user)
        context = visit(**options)
        value = client.cookies[settings.SESSION_COOKIE_NAME].value
        context.add_cookies(
            [{"name": settings.SESSION_COOKIE_NAME, "value": value, "url": server.url}]
        )
        return context

    return make
