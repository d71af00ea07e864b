"""Nobody is signed out by the new columns, and each account has one address in both tables."""

from datetime import timedelta
from itertools import islice

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import migrations
from django.db.models import F
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import salted_hmac

from intellispark.accounts.names import name_key

ROWS = 500
REFRESH_LASTS = timedelta(days=30)
HASH_SALT = "django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash"


def batches(rows):
    found = rows.iterator(chunk_size=ROWS)
    while batch := list(islice(found, ROWS)):
        yield batch


def name_the_looks(apps, schema_editor):
    """Of accounts that look alike already, the first keeps the look: the others keep their names."""
    User = apps.get_model("accounts", "User")
    seen = set()
    for users in batches(User.objects.order_by("date_joined").only("username")):
        for user in users:
            key = name_key(user.username)
            key = f"{key}#{user.pk.hex}" if key in seen else key
            seen.add(key)
            User.objects.filter(pk=user.pk).update(name_key=key)


def date_the_closed(apps, schema_editor):
    """So that housekeeping looks once more at what is left of them."""
    User = apps.get_model("accounts", "User")
    closed = User.objects.filter(is_active=False, username__startswith="deleted-")
    closed.update(closed_at=timezone.now())


def sign_families(apps, schema_editor):
    TokenFamily = apps.get_model("accounts", "TokenFamily")
    for families in batches(TokenFamily.objects.select_related("user")):
        for family in families:
            digest = salted_hmac(HASH_SALT, family.user.password, algorithm="sha256")
            family.auth_hash = digest.hexdigest()
            family.expires_at = (family.revoked_at or timezone.now()) + REFRESH_LASTS
        TokenFamily.objects.bulk_update(families, ["auth_hash", "expires_at"])


def leave_one_address_each(apps, schema_editor):
    """The account's own; wishes of the old kind are wished for anew."""
    User = apps.get_model("accounts", "User")
    EmailAddress = apps.get_model("account", "EmailAddress")
    own = EmailAddress.objects.annotate(own=Lower("user__email"))
    own.exclude(email=F("own")).delete()
    EmailAddress.objects.filter(primary=False).update(primary=True)
    without = User.objects.filter(emailaddress=None, is_active=True).exclude(email="")
    for users in batches(without.only("email")):
        EmailAddress.objects.bulk_create(
            EmailAddress(user=user, email=user.email.lower(), primary=True) for user in users
        )


def move_sessions(apps, schema_editor):
    connection = schema_editor.connection
    if "django_session" not in connection.introspection.table_names():
        return
    schema_editor.execute(
        "INSERT INTO accounts_session (session_key, session_data, expire_date)"
        " SELECT session_key, session_data, expire_date FROM django_session"
    )
    Session = apps.get_model("accounts", "Session")
    Session.objects.filter(expire_date__lt=timezone.now()).delete()
    User = apps.get_model("accounts", "User")
    for sessions in batches(Session.objects.all()):
        owners = {
            session.pk: SessionStore().decode(session.session_data).get(SESSION_KEY)
            for session in sessions
        }
        users = User.objects.in_bulk({owner for owner in owners.values() if owner})
        known = {str(pk): pk for pk in users}
        for session in sessions:
            session.user_id = known.get(owners[session.pk])
        Session.objects.bulk_update(sessions, ["user"])


def nothing(apps, schema_editor):
    pass


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0002_credentials_sessions_and_addresses"),
        ("account", "0009_emailaddress_unique_primary_email"),
    ]

    operations = [
        migrations.RunPython(step, nothing, elidable=True)
        for step in (
            name_the_looks,
            date_the_closed,
            sign_families,
            leave_one_address_each,
            move_sessions,
        )
    ]
