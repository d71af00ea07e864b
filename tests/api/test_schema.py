"""The OpenAPI schema, its page, and the table of error codes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django.urls import get_resolver
from drf_spectacular.generators import SchemaGenerator

from intellispark.api import schema_view
from intellispark.api.errors import DomainError

METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Made by the command, where a warning is a failure."""
    target = tmp_path_factory.mktemp("schema") / "schema.yaml"
    call_command("spectacular", "--validate", "--fail-on-warn", file=str(target))
    found: dict[str, Any] = yaml.safe_load(target.read_text())
    return found


def operations(schema: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
        if method in METHODS
    ]


def test_every_operation_says_what_it_may_refuse(schema: dict[str, Any]) -> None:
    error = {"$ref": "#/components/schemas/Error"}
    for path, method, operation in operations(schema):
        refusals = {code: r for code, r in operation["responses"].items() if code >= "400"}
        assert {"406", "429", "500"} <= set(refusals), (path, method)
        for response in refusals.values():
            assert response["content"]["application/json"]["schema"] == error, (path, method)


def test_both_ways_of_signing_in_are_described(schema: dict[str, Any]) -> None:
    assert set(schema["components"]["securitySchemes"]) == {"jwtAuth", "cookieAuth"}
    me = schema["paths"]["/api/auth/me"]["get"]
    assert {"jwtAuth": []} in me["security"]
    assert {"cookieAuth": []} in me["security"]
    assert "401" in me["responses"]
    assert "401" not in schema["paths"]["/api/auth/register"]["post"]["responses"]


def test_what_a_parameter_may_bring_about_is_said(schema: dict[str, Any]) -> None:
    codes = {"Idempotency-Key": "409", "page": "404"}
    for path, method, operation in operations(schema):
        names = {parameter["name"] for parameter in operation.get("parameters", [])}
        due = {code for name, code in codes.items() if name in names}
        assert due <= set(operation["responses"]), (path, method)


def test_no_language_of_ones_own_is_a_language_too(schema: dict[str, Any]) -> None:
    for name in ("User", "PatchedProfile"):
        language = schema["components"]["schemas"][name]["properties"]["language"]
        for value in ("", "en", "zh-hans"):
            assert re.match(language["pattern"], value), name


def test_every_operation_has_a_description(schema: dict[str, Any]) -> None:
    silent = [
        (p, m)
        for p, m, operation in operations(schema)
        if not (operation.get("description") or operation.get("summary"))
    ]
    assert silent == []


def test_every_path_of_the_api_stands_in_the_schema(schema: dict[str, Any]) -> None:
    paths = {
        "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route)
        for route in _routes(get_resolver().url_patterns)
        if route.startswith("api/") and route not in {"api/schema/", "api/docs/"}
    }
    assert {re.sub(r"{\w+}", "{}", path) for path in paths} == {
        re.sub(r"{\w+}", "{}", path) for path in schema["paths"]
    }


def _routes(patterns: list[Any], prefix: str = "") -> list[str]:
    found: list[str] = []
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        inner = getattr(pattern, "url_patterns", None)
        found += [route] if inner is None else _routes(inner, route)
    return found


def test_the_schema_is_served_to_everybody() -> None:
    response = Client().get("/api/schema/", headers={"Accept": "application/json"})
    assert response.status_code == 200
    assert response.json()["openapi"].startswith("3.")


def test_the_schema_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a stranger adds to the address: making it takes longer than most requests."""
    made = []
    monkeypatch.setattr(schema_view, "SchemaGenerator", lambda: made.append(1) or SchemaGenerator())
    schema_view._document.cache_clear()
    client = Client()
    first = client.get("/api/schema/")
    for query in ("", "?x=1", "?version=7", "?lang=nowhere"):
        again = client.get(f"/api/schema/{query}")
        assert (again.status_code, again.content) == (200, first.content)
    assert len(made) == 1
    assert "max-age=3600" in first["Cache-Control"]
    etag = {"If-None-Match": first["ETag"]}
    assert client.get("/api/schema/", headers=etag).status_code == 304
    assert "的" in client.get("/api/schema/?lang=zh-hans&format=json").content.decode()
    assert len(made) == 2


def test_the_docs_page_needs_no_inline_script() -> None:
    response = Client().get("/api/docs/")
    assert response.status_code == 200
    page = response.content.decode()
    assert re.findall(r"<script(?![^>]*\bsrc=)", page) == []
    sources = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert sources
    assert [source for source in sources if not source.startswith("/")] == []
    policy = response["Content-Security-Policy"]
    assert "style-src 'self' 'unsafe-inline'" in policy
    assert "unsafe-inline" not in policy.partition("script-src")[2].partition(";")[0]
    [script] = re.findall(r'src="([^"]*script=[^"]*)"', page)
    assert "SwaggerUIBundle" in Client().get(script.replace("&amp;", "&")).content.decode()


def test_every_error_code_is_explained() -> None:
    """docs/errors.md has a row for each, with the right status."""
    text = (Path(settings.BASE_DIR) / "docs" / "errors.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \| (\d{3})", text, flags=re.MULTILINE))
    ours = {error.code: str(error.status) for error in _subclasses(DomainError)}
    assert ours.items() <= rows.items(), sorted(ours.items() - rows.items())


def _subclasses(base: type[DomainError]) -> list[type[DomainError]]:
    direct = [kind for kind in base.__subclasses__() if not kind.__module__.startswith("tests")]
    return direct + [kind for child in direct for kind in _subclasses(child)]
