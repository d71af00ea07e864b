"""Alive, ready, and the figures."""

from __future__ import annotations

import resource

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from limits import RateLimitItemPerMinute
from pytest_django import Settings

from intellispark import health
from intellispark.accounts import rate_limits
from tests.support.redis import wait_for_redis

pytestmark = pytest.mark.both_engines


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow machine is not what these are about."""
    monkeypatch.setattr(health, "CHECK_TIMEOUT_SECS", 60)
    wait_for_redis(monkeypatch)


def test_alive_asks_nobody() -> None:
    """Without the `db` fixture, a query would fail."""
    assert Client().get("/healthz").json() == {"status": "ok"}


@pytest.mark.django_db
def test_ready_when_all_checks_are_well() -> None:
    response = Client().get("/readyz")
    assert response.status_code == 200, response.content
    assert set(response.json()["checks"]) == {
        *("database", "migrations", "ledger_triggers", "channel_layer"),
    }


@pytest.mark.django_db
def test_not_ready_with_a_migration_to_apply() -> None:
    MigrationRecorder.Migration.objects.filter(app="accounts").delete()
    response = Client().get("/readyz")
    assert response.status_code == 503
    assert any(problem.startswith("migrations:") for problem in response.json()["problems"])


@pytest.mark.django_db
def test_not_ready_without_a_trigger_of_the_ledger() -> None:
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' LIMIT 1")
            cursor.execute(f"DROP TRIGGER {cursor.fetchone()[0]}")
    else:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT tgname, tgrelid::regclass FROM pg_trigger WHERE NOT tgisinternal LIMIT 1"
            )
            name, table = cursor.fetchone()
            cursor.execute(f"DROP TRIGGER {name} ON {table}")
    response = Client().get("/readyz")
    assert response.status_code == 503
    assert any(problem.startswith("ledger_triggers:") for problem in response.json()["problems"])


@pytest.mark.django_db
def test_not_ready_without_its_database() -> None:
    def away(*args: object) -> None:
        raise RuntimeError("a secret")

    with connection.execute_wrapper(away):
        response = Client().get("/readyz")
    assert response.status_code == 503
    assert response.json()["checks"]["database"] == "RuntimeError"
    assert b"secret" not in response.content


def test_figures_are_for_this_machine_and_for_the_token(settings: Settings) -> None:
    def status(headers: dict[str, str] | None = None, **kwargs: object) -> int:
        headers = {"Host": "127.0.0.1", **(headers or {})}
        return Client().get("/metrics", headers=headers, **kwargs).status_code  # type: ignore[arg-type]

    assert status() == 200
    assert status(headers={"Host": "testserver"}) == 404  # through a proxy that sets no header
    assert status(REMOTE_ADDR="192.0.2.1") == 404
    assert status(headers={"X-Forwarded-For": "192.0.2.1"}) == 404
    assert status(headers={"Authorization": "Bearer "}, REMOTE_ADDR="192.0.2.1") == 404
    settings.METRICS_TOKEN = "a-token"
    assert status(headers={"Authorization": "Bearer a-token"}, REMOTE_ADDR="192.0.2.1") == 200
    assert status(headers={"Authorization": "Bearer b-token"}, REMOTE_ADDR="192.0.2.1") == 404
    assert b"python_info" in Client(headers={"Host": "localhost"}).get("/metrics").content


@pytest.mark.django_db
def test_not_ready_where_the_disk_takes_nothing_more() -> None:
    if connection.vendor == "sqlite":
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, before[1]))
        try:
            response = Client().get("/readyz")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
    else:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL temp_file_limit = '64kB'")
        response = Client().get("/readyz")
    assert response.status_code == 503
    assert response.json()["checks"]["database"] in ("OSError", "OperationalError")


@pytest.mark.django_db
def test_who_asks_too_often_whether_it_is_ready_is_refused(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each answer costs the database some work; `/healthz` costs nothing."""
    settings.RATE_LIMITS = True
    few = rate_limits.Scope("few", RateLimitItemPerMinute(2))
    monkeypatch.setattr(rate_limits, "ELSE", few)
    client = Client(REMOTE_ADDR="192.0.2.8")
    assert [client.get("/readyz").status_code for _ in range(3)] == [200, 200, 429]
    assert [client.get("/healthz").status_code for _ in range(3)] == [200, 200, 200]
