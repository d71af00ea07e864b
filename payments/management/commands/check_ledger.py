"""`manage.py check_ledger`: proves the ledger, and seals or compares its hashes."""

from functools import partial

from django.core.management.base import BaseCommand, CommandParser
from tqdm import tqdm

from payments.audit import seals as seal
from payments.audit.consistent_read import one_snapshot
from payments.audit.verify import differences
from payments.ledger.models import LedgerEntry, Wallet
from payments.ledger.triggers.checks import missing_constraints, missing_triggers


class Command(BaseCommand):
    help = "Prove every wallet against its entries. Exits with 1 and a list when one differs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--seal", action="store_true", help="seal what was proved, by hashes")
        parser.add_argument("--verify", action="store_true", help="compare entries and seals")

    def handle(self, *args: object, **options: object) -> None:
        with one_snapshot():
            wallets, entries = Wallet.objects.count(), LedgerEntry.objects.count()
            watch = partial(tqdm, total=entries, unit=" entries", leave=False, disable=None)
            found = [f"trigger {name} is missing" for name in missing_triggers()]
            found += [f"constraint {name} is missing" for name in missing_constraints()]
            found += [str(difference) for difference in differences(watch)]
            if options["verify"] or options["seal"]:
                found += [str(difference) for difference in seal.broken()]
        for line in found:
            self.stderr.write(line)
        if found:
            self.stderr.write(f"Differences: {len(found)}, in {wallets} wallets.")
            raise SystemExit(1)
        self.stdout.write(f"{wallets} wallets agree with their {entries} entries.")
        if options["seal"]:
            self.stdout.write(f"{seal.seal()} entries sealed.")
        if options["verify"] or options["seal"]:
            self.stdout.write(f"Head of the seals: {seal.head()}")
