"""What no request may carry is refused at the door, and nothing behind it has to know."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from intellispark.accounts.models import User
from tests.api.conftest import error_of

pytestmark = [pytest.mark.django_db, pytest.mark.both_engines]

WITH_NUL: dict[str, dict[str, Any]] = {
    "path": {"path": "/chara\x00cters/"},
    "query": {"path": "/characters/", "data": {"q": "a\x00b"}},
    "name in the query": {"path": "/characters/", "data": {"a\x00b": "q"}},
    "admin": {"path": "/admin/accounts/user/", "data": {"q": "\x00"}},
    "form": {"path": "/accounts/login/", "data": {"login": "a\x00b"}, "method": "post"},
    "name in a form": {"path": "/accounts/login/", "data": {"a\x00": "b"}, "method": "post"},
    "file name": {
        "path": "/accounts/login/",
        "data": {"a\x00": SimpleUploadedFile("picture.png", b"\x00\x00")},
        "method": "post",
    },
    "path of the API": {"path": "/api/auth/m\x00e"},
    "query of the API": {"path": "/api/characters", "data": {"category": "\x00"}},
}


@pytest.mark.parametrize("case", WITH_NUL)
def test_nul_is_refused_before_anything_is_asked(case: str) -> None:
    request = dict(WITH_NUL[case])
    method, path = request.pop("method", "get"), request.pop("path")
    with CaptureQueriesContext(connection) as asked:
        response = getattr(Client(), method)(path, **request)
    assert response.status_code == 400
    assert [query["sql"] for query in asked if "session" not in query["sql"]] == []
    if path.startswith("/api/"):
        error_of(response, 400, "malformed_request")
    else:
        assert b"<html" in response.content


def test_a_file_may_hold_any_byte() -> None:
    data = {"login": "a", "file": SimpleUploadedFile("picture.png", b"\x00\xff")}
    assert Client().post("/accounts/login/", data).status_code == 200


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", b"no boundary"),
        ("application/x-www-form-urlencoded", b"&".join([b"a=b"] * 1_001)),
    ],
)
def test_a_form_that_cannot_be_read_is_400(kind: str, body: bytes) -> None:
    assert Client().post("/accounts/login/", body, content_type=kind).status_code == 400


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("path", ["/", "/characters/", "/accounts/login/", "/nowhere/", "/admin/"])
@pytest.mark.parametrize("host", ["evil.example", "testserver:x", "[", "a b", "evil\x0b"])
def test_a_foreign_host_is_a_400_page(path: str, method: str, host: str) -> None:
    client = Client(raise_request_exception=False)
    response = getattr(client, method)(path, headers={"host": host})
    assert response.status_code == 400
    assert b"<html" in response.content
    assert b"evil" not in response.content


def test_a_foreign_host_is_400_in_the_api(api: Client) -> None:
    response = api.get("/api/auth/me", headers={"host": "evil.example"})
    error_of(response, 400, "malformed_request")


@pytest.mark.parametrize(
    "cookie",
    [
        r'sessionid="abcdefgh\000ijkl"',
        "sessionid=short",
        "sessionid=" + "é" * 32,
        "sessionid=A" * 2,
    ],
)
def test_a_credential_is_looked_up_only_if_it_has_the_form_of_one(cookie: str) -> None:
    with CaptureQueriesContext(connection) as asked:
        response = Client().get("/accounts/login/", headers={"cookie": cookie})
    assert response.status_code == 200
    assert [query["sql"] for query in asked if "session" in query["sql"].lower()] == []


@pytest.mark.parametrize("bearer", ["\x01", "a.b.c", "é" * 40, "x" * 9_000, ""])
def test_a_bearer_that_is_no_token_is_401_without_a_query(api: Client, bearer: str) -> None:
    with CaptureQueriesContext(connection) as asked:
        response = api.get("/api/auth/me", headers={"authorization": f"Bearer {bearer}"})
    error_of(response, 401, "not_signed_in")
    assert len(asked) == 0


def test_odd_cookies_sign_nobody_out(client: Client, alice: User) -> None:
    client.force_login(alice)
    key = client.cookies["sessionid"].value
    for odd in ('prefs={"a": 1}', "a b=c d", "näme=wört", "=", ";;", 'q="', "a[]=1,2"):
        response = Client().get("/settings/", headers={"cookie": f"{odd}; sessionid={key}"})
        assert response.status_code == 200, odd
