"""Closing an account: the personal data goes, the ledger stays."""

from __future__ import annotations

import uuid

from allauth.account.models import EmailAddress
from django.db import transaction
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from intellispark.accounts.models import User
from intellispark.accounts.signals import account_closed
from intellispark.api.models import IdempotencyKey


def close_account(*, user: User) -> None:
    """Anonymise the person and sign them out everywhere. Cannot be undone.

    The wallet and its entries stay, under a meaningless name. Receivers of `account_closed` delete
    what else is stored about the person, in the same transaction.
    """
    with transaction.atomic():
        user = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        account_closed.send(sender=User, user=user)
        nobody = uuid.uuid4().hex
        user.username = f"deleted-{nobody}"
        user.email = f"{nobody}@deleted.invalid"
        user.first_name = user.last_name = user.language = ""
        user.is_active = user.is_staff = user.is_superuser = False
        user.set_unusable_password()
        user.save()
        user.groups.clear()
        user.user_permissions.clear()
        EmailAddress.objects.filter(user=user).delete()
        IdempotencyKey.objects.filter(user=user).delete()
        OutstandingToken.objects.filter(user=user).delete()
