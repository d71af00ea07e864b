"""Which tests are slow is found out by what they use."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis.stateful import run_state_machine_as_test

from tests.support.factories import make_user
from tests.support.markers import starts
from tests.support.server import Server

pytestmark = pytest.mark.once


class Starter:
    def start(self) -> None:
        subprocess.Popen(["true"])


def forks() -> None:
    os.fork()


def works_far_away() -> Any:
    def inner() -> list[Any]:
        return [Starter() for _ in range(2)]

    return inner()


def takes_a_server(server: Server) -> str:
    return server.url


def reads_and_writes(folder: Path) -> Any:
    return make_user(), os.getpid(), folder.read_text()


@pytest.mark.parametrize(
    ("used", "expected"),
    [
        (lambda: Server(), True),
        (works_far_away, True),
        (forks, True),
        (lambda machine: run_state_machine_as_test(machine), True),
        (takes_a_server, False),  # who gives it is looked at as well: the fixture
        (reads_and_writes, False),
    ],
)
def test_what_starts_a_process_is_found_however_far_away(
    used: Callable[..., Any], expected: bool
) -> None:
    assert starts(used) is expected


@pytest.fixture
def started() -> Starter:
    return Starter()


def test_a_test_is_slow_by_its_fixtures_too(
    started: Starter, request: pytest.FixtureRequest
) -> None:
    assert request.node.get_closest_marker("slow")


def test_a_test_that_starts_nothing_is_not_slow(request: pytest.FixtureRequest) -> None:
    assert request.node.get_closest_marker("slow") is None
