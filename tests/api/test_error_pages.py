"""Pages that are refused or break show a page of ours."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from pytest_django import Settings

from intellispark.accounts.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.api.urls")]


@pytest.mark.parametrize(
    ("what", "status"),
    [("missing", 404), ("denied", 403), ("domain", 400), ("suspicious", 400), ("bug", 500)],
)
def test_each_failure_has_a_page(api: Client, what: str, status: int) -> None:
    response = api.get(f"/page/{what}/")
    assert response.status_code == status
    assert response["Content-Type"].startswith("text/html")
    assert b"<html" in response.content
    assert b"secret" not in response.content


@pytest.mark.parametrize("path", ["/nowhere/", "/page/missing/"])
def test_an_unknown_page_is_ours_also_in_development(
    api: Client, settings: Settings, path: str
) -> None:
    settings.DEBUG = True
    response = api.get(path)
    assert response.status_code == 404
    assert b"URLconf" not in response.content


def test_a_form_without_its_csrf_token_is_a_403_page(api: Client) -> None:
    response = api.post("/form/", {"a": "b"})
    assert response.status_code == 403
    assert b"Reload" in response.content
    assert b"have access" not in response.content


def test_a_page_of_somebody_else_says_that_it_is_not_open_to_the_reader(api: Client) -> None:
    page = api.get("/page/denied/").content.decode()
    assert "You don't have access to this page" in page
    assert "Try signing in with another account." in page


@pytest.mark.parametrize(
    ("page", "leads_back"),
    [("http://testserver/page/", True), ("https://evil.example/page/", False), ("", False)],
)
def test_a_refused_form_leads_back_to_its_page(api: Client, page: str, leads_back: bool) -> None:
    response = api.post("/form/", {"a": "b"}, headers={"referer": page})
    assert (f'href="{page}">Reload the page'.encode() in response.content) == leads_back
    assert b"evil.example" not in response.content


def test_the_500_page_needs_no_database(api: Client, alice: User) -> None:
    api.force_login(alice)
    api.get("/page/missing/")
    broken: list[str] = []

    def no_database(execute: object, sql: str, *args: object) -> None:
        broken.append(sql)
        raise RuntimeError("the database is away")

    with connection.execute_wrapper(no_database):
        response = api.get("/page/missing/")
    assert broken
    assert response.status_code == 500
    assert b"<html" in response.content


def test_a_too_large_form_is_a_page(api: Client, settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    response = api.post("/form/", {"a": "b" * 100})
    assert response.status_code == 413
    assert b"<html" in response.content
