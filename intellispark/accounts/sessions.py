"""Sessions in the database, each with the person whom it signs in."""

from __future__ import annotations

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


def purge() -> int:
    """Forget sessions that have ended; how many."""
    return delete_in_batches(Session.objects.filter(expire_date__lt=timezone.now()))


class SessionStore(DatabaseSessionStore):
    """Django's store. It keeps nothing for a closed account, and little for strangers."""

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

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
