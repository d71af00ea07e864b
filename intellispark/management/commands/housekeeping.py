from django.core.management.base import BaseCommand

from intellispark.housekeeping import run_pass


class Command(BaseCommand):
    help = "One pass of housekeeping: settles orphaned generations and due lots, forgets old keys."

    def handle(self, *args: object, **options: object) -> None:
        for what, count in run_pass().items():
            self.stdout.write(f"{what.replace('_', ' ')}: {count}")
