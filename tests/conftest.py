"""Fixtures for all tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.test import TransactionTestCase

from intellispark.accounts.models import User
from payments.audit.verify import differences
from tests.support.factories import make_user
from tests.support.flush import delete_instead_of_truncating
from tests.support.triggers import without_triggers

# A loaded machine is not a finding, and what is found is found in every run. To look elsewhere:
# pytest --hypothesis-profile=searching
PATIENT = {"deadline": None, "suppress_health_check": [hypothesis.HealthCheck.too_slow]}
hypothesis.settings.register_profile("searching", derandomize=False, **PATIENT)
hypothesis.settings.register_profile("repeatable", derandomize=True, database=None, **PATIENT)
hypothesis.settings.load_profile("repeatable")

_teardown = TransactionTestCase._fixture_teardown


def _teardown_without_triggers(self: TransactionTestCase) -> None:
    """Django empties the tables after tests with real transactions; the triggers would refuse."""
    with without_triggers():
        _teardown(self)


TransactionTestCase._fixture_teardown = _teardown_without_triggers  # type: ignore[method-assign]
delete_instead_of_truncating()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests of one engine are collected only under it."""
    engine = settings.DATABASES["default"]["ENGINE"]
    absent = [
        *(["postgresql"] if engine.endswith("sqlite3") else ["sqlite"]),
        *([] if settings.REDIS_URL else ["redis"]),
    ]
    kept = [item for item in items if not any(item.get_closest_marker(name) for name in absent)]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    """With TEST_NOTHING_SKIPPED, a skipped test is a failed one."""
    report = yield
    if report.skipped and os.environ.get("TEST_NOTHING_SKIPPED"):
        report.outcome = "failed"
        report.longrepr = f"skipped: {report.longrepr}"
    return report


@pytest.fixture(scope="session", autouse=True)
def _leave_the_database(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Connections that threads of the tests left open would keep PostgreSQL from dropping it."""
    yield
    if connection.vendor == "postgresql":
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )


@pytest.fixture(autouse=True)
def _fresh_cache() -> Iterator[None]:
    yield
    cache.clear()


@pytest.fixture
def alice(db: None) -> User:
    """The owner of things."""
    return make_user("alice")


@pytest.fixture
def bob(db: None) -> User:
    """Somebody else."""
    return make_user("bob")


@pytest.fixture
def assert_ledger() -> Iterator[None]:
    """After the test, every wallet agrees with its entries."""
    yield
    assert [str(found) for found in differences()] == []


@pytest.fixture
def vendor() -> str:
    return connection.vendor
