"""Every table of the database, and who empties it: nothing grows without end."""

from __future__ import annotations

from django.apps import apps
from django.db import connection

KEPT = "kept: the books"
SITE = "written by the site's people, not by visitors"
CLOSING = "with the account: `accounts.closing`"
HOUSEKEEPING = "housekeeping"

WHO_EMPTIES = {
    # accounts
    "accounts_user": "kept without the person: `accounts.closing`",
    "accounts_user_groups": CLOSING,
    "accounts_user_user_permissions": CLOSING,
    "accounts_session": f"{HOUSEKEEPING}: `sessions.purge`, strangers' at most 10,000; {CLOSING}",
    "accounts_tokenfamily": f"{HOUSEKEEPING}: `tokens.purge`; {CLOSING}",
    "accounts_emailchange": f"{HOUSEKEEPING}: `emails.purge`; {CLOSING}",
    "account_emailaddress": f"one row an account; {CLOSING}",
    "account_emailconfirmation": "never filled: keys are signed, not stored",
    "token_blacklist_outstandingtoken": f"{HOUSEKEEPING}: `tokens.purge`; {CLOSING}",
    "token_blacklist_blacklistedtoken": "with its outstanding token",
    # api
    "api_idempotencykey": f"{HOUSEKEEPING}: `idempotency.purge`; {CLOSING}",
    # chat
    "chat_category": SITE,
    "chat_character": f"{SITE}; private ones {CLOSING}",
    "chat_character_categories": SITE,
    "chat_charactertext": SITE,
    "chat_chat": f"its owner; {CLOSING}",
    "chat_message": "with its chat",
    "chat_generation": "with its chat",
    # payments
    "payments_wallet": KEPT,
    "payments_ledgerentry": KEPT,
    "payments_ledgerseal": KEPT,
    "payments_purchase": KEPT,
    # Django
    "auth_group": SITE,
    "auth_group_permissions": SITE,
    "auth_permission": SITE,
    "django_admin_log": SITE,
    "django_content_type": SITE,
    "django_migrations": SITE,
}


def test_somebody_empties_every_table() -> None:
    tables = {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
    assert tables | {"django_migrations"} == WHO_EMPTIES.keys()


def test_no_table_is_left_from_before(db: None) -> None:
    assert {*connection.introspection.table_names()} == WHO_EMPTIES.keys()
