"""The server: Daphne with housekeeping, and a shutdown that settles running replies."""

from __future__ import annotations

import asyncio
import gc
import signal
from typing import Any

import structlog
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS, connection
from django.db.migrations.executor import MigrationExecutor

from intellispark.api.addresses import counted_address
from intellispark.realtime.hub import hub
from intellispark.realtime.transport.daphne import DaphneServer
from intellispark.threads import in_thread

HOUSEKEEPING_SECS = 10
FLUSH_SECS = 1.0  # for the last frames and events to leave the server's buffers

logger = structlog.get_logger(__name__)


def unapplied() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


class Command(BaseCommand):
    help = "Serve pages, API and sockets. Settings: HOST and PORT."
    requires_system_checks = "__all__"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default=settings.HOST)
        parser.add_argument("--port", type=int, default=settings.PORT)
        parser.add_argument(
            "--prepare", action="store_true", help="Migrate and load the starter characters first."
        )

    def get_check_kwargs(self, options: dict[str, object]) -> dict[Any, Any]:
        """With the database, where the ledger's triggers must be; `--prepare` installs them."""
        return {} if options["prepare"] else {"databases": [DEFAULT_DB_ALIAS]}

    def handle(self, *args: object, host: str, port: int, prepare: bool, **options: object) -> None:
        if prepare:
            call_command("migrate", verbosity=0)
            call_command("load_characters", verbosity=0)
        elif unapplied():
            raise CommandError("Migrations are not applied: run migrate, or serve --prepare.")
        # Fewer and later collections: thousands of sockets are many small, long-lived objects.
        gc.set_threshold(50_000, 50, 1_000)
        from intellispark.asgi import application
        from intellispark.housekeeping import run_pass
        from intellispark.single_process import is_sole

        settled = run_pass(sole_process=is_sole())
        if settled["generations_recovered"]:
            logger.warning("orphans.recovered", count=settled["generations_recovered"])

        self.server = DaphneServer(
            application,
            endpoints=[f"tcp:port={port}:interface={host.replace(':', chr(92) + ':')}"],
            address_of=counted_address,
            signal_handlers=False,  # Daphne's own would stop without settling running replies
            action_logger=None,
            ready_callable=lambda: self.ready(host, port),
            websocket_timeout=-1,
            websocket_handshake_timeout=30,  # a thousand may come back at once after a restart
            server_name="intellispark",
        )
        self.server.run()
        if self.server.abort_start:
            raise SystemExit(1)

    def ready(self, host: str, port: int) -> None:
        """Called when the loop starts: print the address, and start housekeeping."""
        loop = asyncio.get_event_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.end)
        self.housekeeping = loop.create_task(self.run_housekeeping())
        name = f"[{host}]" if ":" in host else host
        self.stdout.write(
            f"IntelliSpark is at http://{name}:{port}/\n"
            "Make an admin with: python manage.py createsuperuser\n"
        )
        self.stdout.flush()

    async def run_housekeeping(self) -> None:
        from intellispark.housekeeping import run_pass

        while True:
            await asyncio.sleep(HOUSEKEEPING_SECS)
            try:
                await in_thread(run_pass, writes=True)()
            except Exception:  # a failed pass must not end the loop
                logger.exception("housekeeping.failed")

    def end(self) -> None:
        """On the first signal: stop housekeeping, settle running replies, then stop serving."""
        if not self.housekeeping.cancelled() and not self.housekeeping.cancelling():
            self.housekeeping.cancel()
            self.ending = asyncio.get_event_loop().create_task(self.settle_and_stop())

    async def settle_and_stop(self) -> None:
        from chat.replies.running import shutdown

        try:
            await shutdown()  # first, so that open pages hear how their replies ended
            await hub.drain()
            await asyncio.sleep(FLUSH_SECS)
        except Exception:  # the server must stop all the same
            logger.exception("shutdown.failed")
        finally:
            self.server.stop()
