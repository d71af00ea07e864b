from django.core.management.base import BaseCommand

from chat.characters.starters import load_starters


class Command(BaseCommand):
    help = "Load the starter characters; those already there are brought up to date."

    def handle(self, *args: object, verbosity: int, **options: object) -> None:
        changed = load_starters()
        if verbosity:
            self.stdout.write(f"Starter characters made or updated: {len(changed)}")
