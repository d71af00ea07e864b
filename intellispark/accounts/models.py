"""People: the account, its sessions and token families, and the changes of its e-mail address."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from importlib import import_module

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import AbstractUser
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models, transaction
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext_lazy as _

from intellispark.accounts.names import KEY_MAX_CHARS, NameKeyField
from intellispark.accounts.partial_saves import PartialSaves


class User(PartialSaves, AbstractUser):
    """Somebody who signs in. Suspension is its own field: `is_active=False` reads as a 401.

    The address is written by `accounts.emails` only. `auth_epoch` rises when everything that was
    issued before has to end although the password stays. `closed_at` is set for good. `confirm_by`
    is set while a sign-up waits for its address (see `accounts.emails`).
    """

    derived = {"username": "name_key"}

    id = models.UUIDField(_("id"), primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(_("email address"))
    language = models.CharField(
        _("language"),
        max_length=10,
        blank=True,
        choices=[("en", "English"), ("zh-hans", "简体中文")],
    )
    name_key = NameKeyField(
        _("look of the name"), max_length=KEY_MAX_CHARS, unique=True, editable=False
    )
    auth_epoch = models.PositiveIntegerField(_("sign-in epoch"), default=0, editable=False)
    suspended_at = models.DateTimeField(_("suspended at"), null=True, blank=True)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True, editable=False)
    confirm_by = models.DateTimeField(_("to be confirmed by"), null=True, editable=False)

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                name="accounts_user_email_ci",
                violation_error_message=_("That e-mail already has an account."),
            ),
            models.UniqueConstraint(
                Lower("username"),
                name="accounts_user_username_ci",
                violation_error_message=_("That username is taken."),
            ),
        ]
        indexes = [
            # Read by housekeeping: the accounts that were closed a moment ago.
            models.Index(
                fields=["closed_at"],
                name="accounts_user_closed",
                condition=Q(closed_at__isnull=False),
            ),
            # Read by housekeeping: sign-ups that nobody confirmed.
            models.Index(
                fields=["confirm_by"],
                name="accounts_user_confirm_by",
                condition=Q(confirm_by__isnull=False),
            ),
        ]

    @property
    def is_suspended(self) -> bool:
        return self.suspended_at is not None

    def check_password(self, raw_password: str | None) -> bool:
        """Whether this is the password. A weaker hash is replaced, unless it changed meanwhile.

        Django's writes the stronger hash whatever stands in the row by then: a sign-in that was
        under way could bring an old password back. API tokens outlive the stronger hash.
        """
        lost = False

        def strengthen(raw_password: str | None) -> None:
            nonlocal lost
            old_hash, old = self.get_session_auth_hash(), self.password
            new = make_password(raw_password)
            with transaction.atomic():
                row = User.objects.filter(pk=self.pk, password=old)
                lost = not row.update(password=new)
                if not lost:
                    self.password = new
                    families = TokenFamily.objects.filter(user_id=self.pk, auth_hash=old_hash)
                    families.update(auth_hash=self.get_session_auth_hash())

        right = check_password(raw_password, self.password, strengthen)
        if lost:
            self.refresh_from_db(fields=["password"])
            right = check_password(raw_password, self.password)
        return right

    async def acheck_password(self, raw_password: str | None) -> bool:
        return await sync_to_async(self.check_password)(raw_password)

    def get_session_auth_hash(self) -> str:
        """What sessions, API tokens and links carry: another one after each change of password,
        and once `auth_epoch` has risen. Until it rises for the first time this is Django's own."""
        return self._auth_hash(None)

    def get_session_auth_fallback_hash(self) -> Iterator[str]:
        for secret in settings.SECRET_KEY_FALLBACKS:
            yield self._auth_hash(secret)

    def has_issued(self, auth_hash: str) -> bool:
        """Whether what carries that hash was issued under the password and epoch of today."""
        hashes = [self.get_session_auth_hash(), *self.get_session_auth_fallback_hash()]
        return any(constant_time_compare(auth_hash, each) for each in hashes)

    def _auth_hash(self, secret: str | bytes | None) -> str:
        salt = "django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash"
        state = f"{self.password}:{self.auth_epoch}" if self.auth_epoch else self.password
        return salted_hmac(salt, state, secret=secret, algorithm="sha256").hexdigest()


class TokenFamily(models.Model):
    """All API tokens that come from one sign-in; they are revoked together.

    The id travels as the claim `fam` in every access and refresh token. `auth_hash` is the
    person's `get_session_auth_hash()` at the sign-in: with another one the family is dead.
    `expires_at` is the end of its newest refresh token.
    """

    id = models.UUIDField(_("id"), primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="token_families",
        verbose_name=_("user"),
    )
    auth_hash = models.CharField(_("sign-in hash"), max_length=64)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    revoked_at = models.DateTimeField(_("revoked at"), null=True)
    # The index is read by housekeeping.
    expires_at = models.DateTimeField(_("expires at"), db_index=True)

    class Meta:
        verbose_name = _("token family")
        verbose_name_plural = _("token families")

    def __str__(self) -> str:
        return str(self.id)


class Session(AbstractBaseSession):
    """Django's session, with the person whom it signs in: closing an account takes it along."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        related_name="+",
        verbose_name=_("user"),
    )

    @classmethod
    def get_session_store_class(cls) -> type[SessionBase]:
        store: type[SessionBase] = import_module(settings.SESSION_ENGINE).SessionStore
        return store


class EmailChange(models.Model):
    """Another address for an account: a wish until `confirmed_at`, after that the way back.

    Written by `accounts.emails` only. The old address is kept from others if it was confirmed.
    """

    id = models.UUIDField(_("id"), primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="email_changes",
        verbose_name=_("user"),
    )
    old_email = models.EmailField(_("old address"), blank=True)
    old_is_confirmed = models.BooleanField(_("old address is confirmed"), default=False)
    new_email = models.EmailField(_("new address"))
    # Both indexes are read by housekeeping.
    created_at = models.DateTimeField(_("created at"), auto_now_add=True, db_index=True)
    confirmed_at = models.DateTimeField(_("confirmed at"), null=True, db_index=True)

    class Meta:
        verbose_name = _("change of address")
        verbose_name_plural = _("changes of address")
        constraints = [
            models.UniqueConstraint(
                fields=["user"],
                condition=Q(confirmed_at__isnull=True),
                name="accounts_emailchange_one_wish",
            )
        ]

    def __str__(self) -> str:
        return str(self.id)
