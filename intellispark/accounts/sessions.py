"""Sessions in the database, each with the person whom it signs in."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessionStore
from django.db import transaction
from django.utils import timezone

from intellispark.accounts.models import Session, User
from intellispark.api.errors import NotSignedIn
from intellispark.db import delete_in_batches

STRANGERS_KEEP = timedelta(days=1)
"""How long a session without a person lasts: it keeps what somebody typed before signing up."""


MOST_STRANGERS = 10_000
"""So many sessions without a person are kept, the newest: some 100 MB at most."""
_KEY = re.compile("[0-9a-z]{32}")  # as Django makes them


def is_key(text: str) -> bool:
    """Whether it has the form of a session's key. Anything else is looked up nowhere."""
    return _KEY.fullmatch(text) is not None


def purge() -> int:
    """Forget sessions that have ended, and of those of strangers the oldest when they are too many;
    how many went."""
    return _purge_ended() + _purge_strangers()


def _purge_ended() -> int:
    return delete_in_batches(Session.objects.filter(expire_date__lt=timezone.now()))


def _purge_strangers() -> int:
    strangers = Session.objects.filter(user=None)
    too_many = strangers.count() - MOST_STRANGERS
    if too_many <= 0:
        return 0
    oldest = strangers.order_by("expire_date").values_list("expire_date", flat=True)
    return delete_in_batches(strangers.filter(expire_date__lte=oldest[too_many - 1]))


class SessionStore(DatabaseSessionStore):
    """Django's store. It keeps nothing for a closed account, and little for strangers."""

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def _validate_session_key(self, key: str | None) -> bool:
        """Django takes any eight characters for a key, and asks the database for them."""
        return key is not None and is_key(key)

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        session: Session = super().create_model_instance(data)  # type: ignore[assignment]  # see get_model_class
        user_id = data.get(SESSION_KEY)
        session.user_id = UUID(user_id) if user_id else None
        return session

    def get_session_cookie_age(self) -> int:
        if SESSION_KEY in getattr(self, "_session_cache", {}):
            return settings.SESSION_COOKIE_AGE
        return int(STRANGERS_KEEP.total_seconds())

    def save(self, must_create: bool = False) -> None:
        """Raises UpdateError, as Django does of a session that is gone, where the account was
        closed meanwhile; NotSignedIn for a new session of a closed account."""
        if self.session_key is None:
            self.create()
            return
        data: dict[str, Any] = self._get_session(no_load=must_create)  # type: ignore[attr-defined]  # not in the stubs
        user_id = data.get(SESSION_KEY)
        if not user_id:
            super().save(must_create)
            return
        with transaction.atomic():
            open_row = User.objects.select_for_update(no_key=True).filter(
                pk=user_id, is_active=True
            )
            if not open_row.exists():
                raise NotSignedIn if must_create else UpdateError
            super().save(must_create)

    async def asave(self, must_create: bool = False) -> None:
        await sync_to_async(self.save)(must_create)
