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
from django.test.utils import setup_databases, teardown_databases
from django.utils import translation

from intellispark.accounts.models import User
from intellispark.realtime.transport.breaker import redis_breaker
from payments.audit.verify import differences
from tests.support.factories import make_user
from tests.support.flush import empty_tables
from tests.support.markers import mark_slow
from tests.support.template import copy_template

# A loaded machine is not a finding, and what is found is found in every run. To look elsewhere:
# pytest --hypothesis-profile=searching
PATIENT = {"deadline": None, "suppress_health_check": [hypothesis.HealthCheck.too_slow]}
hypothesis.settings.register_profile("searching", derandomize=False, **PATIENT)
hypothesis.settings.register_profile("repeatable", derandomize=True, database=None, **PATIENT)
hypothesis.settings.load_profile("repeatable")

TransactionTestCase._fixture_teardown = lambda self: empty_tables()  # type: ignore[method-assign]


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses by markers
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What a test uses marks it; tests of one engine are collected only under it."""
    for item in items:
        mark_slow(item)
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


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None, django_db_blocker: Any, django_db_keepdb: bool
) -> Iterator[None]:
    """A database for this worker. The plugin's own would migrate one for each, and make none where
    no test asks for one to be rolled back."""
    with django_db_blocker.unblock():
        if not django_db_keepdb:
            copy_template()
        made = setup_databases(verbosity=0, interactive=False, aliases={"default"}, keepdb=True)
    yield
    with django_db_blocker.unblock():
        if connection.vendor == "postgresql":
            _close_left_connections()
        teardown_databases(made, verbosity=0, keepdb=django_db_keepdb)


def _close_left_connections() -> None:
    """Those that threads of the tests left open would keep PostgreSQL from dropping it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.fixture(autouse=True)
def _rested_breaker() -> None:
    """A test that moved the clock, or had no Redis, may have left it open for days."""
    redis_breaker._allows_from, redis_breaker._failing = 0.0, False


@pytest.fixture(autouse=True)
def _no_language() -> None:
    """An async view leaves the language of its request active in the test that called it."""
    translation.deactivate()


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
