"""The looks of names by today's rule, and old addresses that stay kept as they were promised to be."""

from itertools import islice

from django.db import migrations
from django.db.models import CharField, Value
from django.db.models.functions import Cast, Concat

from intellispark.accounts.names import name_key

ROWS = 500


def name_the_looks_anew(apps, schema_editor):
    """Of accounts that look alike, the first keeps the look: the others keep their names.

    All make way first: a new look may be the old one of somebody whose turn comes later.
    """
    User = apps.get_model("accounts", "User")
    User.objects.update(name_key=Concat(Value("#"), Cast("pk", CharField())))
    seen = set()
    people = User.objects.order_by("date_joined", "pk").only("username").iterator(chunk_size=ROWS)
    while users := list(islice(people, ROWS)):
        for user in users:
            key = name_key(user.username)
            look = f"{key}#{user.pk.hex}"[-600:] if key in seen else key
            seen.add(key)
            User.objects.filter(pk=user.pk).update(name_key=look)


def keep_old_addresses(apps, schema_editor):
    EmailChange = apps.get_model("accounts", "EmailChange")
    EmailChange.objects.filter(confirmed_at__isnull=False).update(old_is_confirmed=True)


class Migration(migrations.Migration):

    dependencies = [('accounts', '0005_sign_ups_to_confirm_and_confirmed_old_addresses')]

    operations = [
        migrations.RunPython(step, migrations.RunPython.noop, elidable=True)
        for step in (name_the_looks_anew, keep_old_addresses)
    ]
