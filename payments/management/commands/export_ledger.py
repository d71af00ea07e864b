"""`manage.py export_ledger`: writes ledger entries as CSV or NDJSON."""

import os
import sys
from contextlib import suppress
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Q
from tqdm import tqdm

from intellispark.accounts.models import User
from payments.audit.consistent_read import one_snapshot
from payments.audit.export import FORMATS, lines, select


class Command(BaseCommand):
    help = "Writes ledger entries to the standard output, wallet by wallet in order of versions."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--user", help="user name, e-mail or id; without it: everybody")
        parser.add_argument(
            "--from-version", type=int, default=1, metavar="N", help="of each wallet; default 1"
        )
        parser.add_argument("--format", choices=sorted(FORMATS), default="csv")

    def handle(
        self,
        *args: object,
        user: str | None,
        from_version: int,
        format: str,
        **options: object,
    ) -> None:
        wallet_id = _user_id(user) if user else None
        entries = select(wallet_id=wallet_id, from_version=from_version)
        try:
            with one_snapshot():
                rows = lines(entries, format)
                total = entries.count()
                for line in tqdm(rows, total=total, unit=" lines", leave=False, disable=None):
                    self.stdout.write(line, ending="")
            sys.stdout.flush()
        except BrokenPipeError:
            # The reader has seen enough (`| head`); Python would complain once more at its exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _user_id(name: str) -> UUID:
    who = Q(username=name) | Q(email__iexact=name)
    with suppress(ValueError):  # a name, then
        who |= Q(pk=UUID(name))
    found = list(User.objects.filter(who).values_list("pk", flat=True)[:2])
    if len(found) != 1:
        raise CommandError(f"{len(found) or 'No'} users are called {name}.")
    return found[0]
