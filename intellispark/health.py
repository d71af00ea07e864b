"""For load balancers and monitoring: is the process alive, is it ready, and its figures."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryFile
from uuid import uuid4

import structlog
from asgiref.sync import sync_to_async
from channels.layers import BaseChannelLayer, get_channel_layer
from django.conf import settings
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from intellispark.accounts.tokens import raw_bearer_of
from intellispark.api.addresses import is_loopback
from payments.ledger.triggers.checks import missing_constraints, missing_triggers

logger = structlog.get_logger(__name__)

CHECK_TIMEOUT_SECS = 2.0
WRITTEN_BYTES = 512 * 1024


@require_safe
@never_cache
async def healthz(request: HttpRequest) -> JsonResponse:
    """Alive: the process answers. It asks no database, so an outage there restarts no process."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
async def readyz(request: HttpRequest) -> JsonResponse:
    """Ready for traffic: 200, or 503 with the failed checks. Each check has two seconds."""
    answers = await asyncio.gather(*(_ask(name, check) for name, check in CHECKS.items()))
    checks = dict(zip(CHECKS, answers, strict=True))
    problems = [f"{name}: {answer}" for name, answer in checks.items() if answer != "ok"]
    body = {"status": "unavailable" if problems else "ok", "checks": checks, "problems": problems}
    return JsonResponse(body, status=503 if problems else 200)


@require_safe
@never_cache
async def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus figures, for this machine or the bearer of METRICS_TOKEN; 404 for others."""
    token = raw_bearer_of(request)
    allowed = (
        bool(settings.METRICS_TOKEN) and constant_time_compare(token, settings.METRICS_TOKEN)
        if token is not None
        else is_loopback(request)
    )
    if not allowed:
        raise Http404
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)


async def _ask(name: str, check: Callable[[], Awaitable[str]]) -> str:
    """`ok`, or what is wrong in a few words; the details stay in the log."""
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_SECS):
            return await check()
    except TimeoutError:
        return "no answer in time"
    except Exception as error:  # whatever it is, the answer is 503
        logger.error("readyz.failed", check=name, error=repr(error))
        return type(error).__name__


@sync_to_async
def _database() -> str:
    """It answers, and its disk takes what is written: a full one still reads well."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    if connection.vendor == "sqlite":
        _write_beside(str(connection.settings_dict["NAME"]))
        return "ok"
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '64kB'")  # less than it takes: the rest goes to disk
        cursor.execute("SELECT count(*) FROM generate_series(1, %s)", [WRITTEN_BYTES // 16])
    return "ok"


def _write_beside(path: str) -> None:
    """Raises OSError where no file can grow beside that of the database."""
    folder = Path(path).resolve().parent
    if not folder.is_dir():  # in memory
        return
    with TemporaryFile(dir=folder) as file:
        file.write(bytes(WRITTEN_BYTES))
        file.flush()
        os.fsync(file.fileno())


@sync_to_async
def _migrations() -> str:
    executor = MigrationExecutor(connection)
    pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return f"{len(pending)} not applied" if pending else "ok"


@sync_to_async
def _ledger_triggers() -> str:
    missing = [*missing_triggers(), *missing_constraints()]
    return f"missing {', '.join(missing)}" if missing else "ok"


async def _channel_layer() -> str:
    """Send a message through the layer to this process, and receive it."""
    layer = get_channel_layer()
    channel = await layer.new_channel()
    nonce = uuid4().hex
    try:
        await layer.send(channel, {"type": "readyz", "nonce": nonce})
        message = await layer.receive(channel)
    finally:
        await _forget(layer, channel)
    return "ok" if message["nonce"] == nonce else "another message came back"


async def _forget(layer: BaseChannelLayer, channel: str) -> None:
    """Free the channel. Channels has no call for it: layers do it when `receive` is cancelled."""
    waiting = asyncio.ensure_future(layer.receive(channel))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)


CHECKS: dict[str, Callable[[], Awaitable[str]]] = {
    "database": _database,
    "migrations": _migrations,
    "ledger_triggers": _ledger_triggers,
    "channel_layer": _channel_layer,
}
