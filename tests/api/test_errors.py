"""Every refusal under `/api/` has the contract's body, whatever raised it."""

from __future__ import annotations

import pytest
from asgiref.testing import ApplicationCommunicator
from django.test import Client
from pytest_django import Settings

from intellispark.accounts.models import User
from intellispark.accounts.suspension import suspend
from intellispark.asgi import http
from tests.api.conftest import error_of

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.api.urls")]
JSON = "application/json"


@pytest.mark.parametrize("view", ["plain", "drf"])
@pytest.mark.parametrize(
    ("what", "status", "code"),
    [
        ("domain", 400, "error"),
        ("invalid", 422, "validation_failed"),
        ("missing", 404, "not_found"),
        ("denied", 403, "forbidden"),
        ("suspicious", 400, "malformed_request"),
        ("bug", 500, "server_error"),
    ],
)
def test_whatever_a_view_raises_has_the_body(
    api: Client, view: str, what: str, status: int, code: str
) -> None:
    response = api.get(f"/api/{view}/{what}")
    error_of(response, status, code)
    assert b"secret" not in response.content


@pytest.mark.parametrize("view", ["plain", "drf"])
def test_the_data_of_a_domain_error_is_merged_and_retry_after_is_a_header(
    api: Client, view: str
) -> None:
    response = api.get(f"/api/{view}/domain")
    error = error_of(response, 400, "error")
    assert (error["needed"], error["available"], error["retry_after"]) == (1, 0, 3)
    assert error["detail"] == "Not like this."
    assert response["Retry-After"] == "3"


def test_malformed_json_is_400_and_not_a_validation_error(api: Client) -> None:
    for body in ("{", "[" * 100_000, '{"a":' * 100_000, '{"name": NaN}'):
        response = api.post("/api/drf/x", body, content_type=JSON)
        error_of(response, 400, "malformed_request")


def test_validation_names_the_fields_inner_ones_by_their_path(api: Client) -> None:
    body = {"inner": {"colour": "blue"}, "many": [{"colour": "red"}, {"colour": "blue"}]}
    response = api.post("/api/drf/x", body, content_type=JSON)
    error = error_of(response, 422, "validation_failed")
    assert set(error["fields"]) == {"name", "inner.colour", "many.1.colour"}
    assert error["fields"]["name"] == ["This field is required."]


@pytest.mark.parametrize("body", ["[]", '"text"', "null", "7"])
def test_a_body_that_is_no_object_is_a_validation_error(api: Client, body: str) -> None:
    error_of(api.post("/api/drf/x", body, content_type=JSON), 422, "validation_failed")


def test_another_media_type_is_415(api: Client) -> None:
    response = api.post("/api/drf/x", "a=b", content_type="application/x-www-form-urlencoded")
    error_of(response, 415, "unsupported_media_type")


def test_another_accept_is_406(api: Client) -> None:
    response = api.get("/api/auth/me", headers={"Accept": "text/html"})
    error_of(response, 406, "not_acceptable")


@pytest.mark.parametrize("path", ["/api/auth/login", "/api/plain/post-only"])
def test_another_method_is_405_and_names_those_allowed(api: Client, path: str) -> None:
    response = api.get(path)
    error_of(response, 405, "method_not_allowed")
    assert "POST" in response["Allow"]


@pytest.mark.parametrize("debug", [True, False])
@pytest.mark.parametrize(
    "path",
    ["/api/", "/api/nothing", "/api/auth/login/", "/api/schema", "/api/docs", "/api//auth/me"],
)
def test_unknown_paths_and_slash_mistakes_are_404_also_in_development(
    api: Client, settings: Settings, path: str, debug: bool
) -> None:
    settings.DEBUG = debug
    error_of(api.get(path), 404, "not_found")
    error_of(api.post(path, {}, content_type=JSON), 404, "not_found")


def test_a_bug_shows_nothing_also_in_development(api: Client, settings: Settings) -> None:
    settings.DEBUG = True
    response = api.get("/api/plain/bug")
    error_of(response, 500, "server_error")
    assert b"secret" not in response.content


def test_nobody_is_401_with_the_scheme(api: Client) -> None:
    response = api.get("/api/auth/me")
    error_of(response, 401, "not_signed_in")
    assert response["WWW-Authenticate"] == "Bearer"


def test_the_suspended_are_403(api: Client, alice: User, bearer: dict[str, str]) -> None:
    api.force_login(alice)
    suspend(user=alice)
    error_of(api.get("/api/auth/me"), 403, "suspended")


def test_a_session_without_its_csrf_token_is_403(api: Client, alice: User) -> None:
    api.force_login(alice)
    response = api.patch("/api/auth/me", {"language": "en"}, content_type=JSON)
    error_of(response, 403, "csrf_failed")


def test_a_body_over_the_limit_is_413(api: Client, settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    response = api.post("/api/drf/x", {"name": "x" * 100}, content_type=JSON)
    error_of(response, 413, "payload_too_large")


@pytest.mark.parametrize("debug", [False, True])
async def test_a_chunked_body_is_read_and_limited_too(settings: Settings, debug: bool) -> None:
    settings.DEBUG = debug

    async def post(body: bytes) -> int:
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/api/drf/x",
            "query_string": b"",
            "headers": [
                (b"content-type", b"application/json"),
                (b"transfer-encoding", b"chunked"),
                (b"host", b"testserver"),
            ],
            "client": ("127.0.0.1", 50000),
        }
        communicator = ApplicationCommunicator(http, scope)
        await communicator.send_input({"type": "http.request", "body": body[:5], "more_body": True})
        await communicator.send_input({"type": "http.request", "body": body[5:]})
        status: int = (await communicator.receive_output(timeout=5))["status"]
        return status

    good = b'{"name": "a", "inner": {"colour": "red"}}'
    assert await post(good) == 200
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = len(good) - 1
    assert await post(good) == 413


def test_the_detail_speaks_the_language_of_the_request(api: Client) -> None:
    response = api.get("/api/auth/me", headers={"Accept-Language": "zh-CN"})
    assert response["Content-Language"] == "zh-hans"
