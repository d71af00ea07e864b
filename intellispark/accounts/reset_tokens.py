"""The keys in the mails that let people choose a new password."""

from __future__ import annotations

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.tokens import PasswordResetTokenGenerator

from intellispark.accounts.models import User


class ResetTokens(PasswordResetTokenGenerator):
    """Good once, for the password, address and epoch that they were issued under.

    The suspended and the closed have none, whenever theirs was issued. allauth's own generator
    writes rows of addresses while it computes a hash, which only `accounts.emails` may.
    """

    def check_token(self, user: AbstractBaseUser | None, token: str | None) -> bool:
        if not isinstance(user, User) or not user.is_active or user.is_suspended:
            return False
        return super().check_token(user, token)

    def _make_hash_value(self, user: User, timestamp: int) -> str:
        return f"{super()._make_hash_value(user, timestamp)}{user.get_session_auth_hash()}"
