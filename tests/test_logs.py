"""Nobody who reads the log can follow the links of our mails."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from urllib.parse import quote, unquote
from uuid import uuid4

import pytest
import structlog
from django.core import mail
from django.test import Client

from intellispark.accounts.email_links import confirmation_key, way_back_key
from intellispark.accounts.models import EmailChange, User

pytestmark = pytest.mark.django_db


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What the one handler of all loggers writes, as it stands in production."""
    [handler] = [h for h in logging.getLogger().handlers if type(h) is logging.StreamHandler]
    written, stream = io.StringIO(), handler.stream
    handler.setStream(written)
    yield written
    handler.setStream(stream)


def keys(user: User) -> list[tuple[str, str]]:
    """Paths with their secret part."""
    Client().post("/accounts/password/reset/", {"email": user.email})
    [reset] = re.findall(r"/accounts/password/reset/key/\S+", str(mail.outbox[-1].body))
    confirm = confirmation_key(user, user.email)
    back = way_back_key(EmailChange(user=user))
    return [
        (reset, reset.split("/")[5]),
        (f"/accounts/confirm-email/{confirm}/", confirm),
        (f"/accounts/email/restore/{back}/", back),
    ]


def test_keys_of_links_do_not_stand_in_the_log(alice: User, log: io.StringIO) -> None:
    for path, key in keys(alice):
        for client in (Client(), Client(headers={"User-Agent": path, "Referer": path})):
            client.get(path)
            client.post(path)
            client.get("/accounts/login/", {"next": path})
        assert key not in log.getvalue()
    assert "/accounts/confirm-email/[masked]/" in log.getvalue()


def test_keys_do_not_stand_in_any_value(alice: User, log: io.StringIO) -> None:
    """Whatever a line carries, however deep, and however often an address was quoted."""
    for path, key in keys(alice):
        once = quote(path, safe="")
        twice = quote(once, safe="")
        error = RuntimeError(path)
        structlog.get_logger("x").info(path, args=[path], extra={"a": (once, {twice})}, error=error)
        logging.getLogger("y").warning("%s %r", error, {"next": f"/a/?next={twice}"})
        for part in key.split(":"):  # without one of them the others are worth nothing, but
            assert part not in log.getvalue()


def test_keys_do_not_stand_in_the_log_whatever_path_they_are_on(
    alice: User, log: io.StringIO
) -> None:
    """They are known by their form: paths may be misspelt, and quoted again and again."""
    for path, key in keys(alice):
        mangled = [f"/accounts/{path}", path.replace("/accounts/", "/accounts//"), f"/x/{key}"]
        for each in [*mangled, path.replace("/accounts/", "/%61ccounts%2F"), f"/?k={key}"]:
            for _ in range(4):
                Client().get(each, headers={"Referer": f"http://x/?next={each}"})
                structlog.get_logger("x").info("x", path=each, code=f"%{each}%")
                each = quote(each, safe="").replace("-", "%2D")
        for part in key.split(":"):
            assert part not in unquoted(log.getvalue())


def unquoted(text: str) -> str:
    for _ in range(6):
        text = unquote(text)
    return text


def test_what_is_no_key_is_logged_as_it_is(log: io.StringIO) -> None:
    texts = [
        str(uuid4()),
        f"/chats/{uuid4()}/",
        "2026-11-27T11:01:51.664236Z",
        "100%25 of it",
        "a:b:c",
    ]
    structlog.get_logger("x").info("x", texts=texts)
    assert json.loads(log.getvalue())["texts"] == texts


def test_keys_do_not_stand_in_what_a_failure_leaves(alice: User, log: io.StringIO) -> None:
    path = f"/accounts/confirm-email/{confirmation_key(alice, alice.email)}/"
    try:
        raise RuntimeError(path)
    except RuntimeError:
        structlog.get_logger("x").exception("failed", path=path)
        logging.getLogger("y").exception("failed at %s", path)
    assert log.getvalue().count("RuntimeError") >= 2
    assert path.split("/")[3] not in log.getvalue()
