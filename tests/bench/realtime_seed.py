"""Fills the database: people with wallets, a session and a token each; prints them as JSON."""

from __future__ import annotations

import json
import sys

import django

django.setup()

from django.contrib import auth  # noqa: E402
from django.contrib.auth.hashers import make_password  # noqa: E402
from django.db import transaction  # noqa: E402

from intellispark.accounts.models import User  # noqa: E402
from intellispark.accounts.sessions import SessionStore  # noqa: E402
from intellispark.accounts.tokens import issue  # noqa: E402


def main(count: int) -> None:
    password = make_password("a-long-enough-password-7", hasher="pbkdf2_sha256")
    people = []
    for start in range(0, count, 500):
        with transaction.atomic():
            for number in range(start, min(count, start + 500)):
                user = User(
                    username=f"u{number}", email=f"u{number}@example.com", password=password
                )
                user.save()
                session = SessionStore()
                session[auth.SESSION_KEY] = str(user.pk)
                session[auth.BACKEND_SESSION_KEY] = (
                    "allauth.account.auth_backends.AuthenticationBackend"
                )
                session[auth.HASH_SESSION_KEY] = user.get_session_auth_hash()
                session.create()
                people.append([str(user.pk), session.session_key, issue(user)["access"]])
    json.dump(people, sys.stdout)


main(int(sys.argv[1]))
