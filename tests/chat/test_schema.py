"""The plain async views are in the OpenAPI schema, and it agrees with what they answer."""

from __future__ import annotations

from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

from chat.api import urls
from chat.api.answers import state_of
from chat.api.schema import PATHS, SCHEMAS
from chat.generation.settle import Outcome, settle
from chat.generation.start import Wish, start
from chat.models import Chat, Generation


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return SchemaGenerator().get_schema(request=None, public=True)


def test_it_is_valid(schema: dict[str, Any]) -> None:
    validate_schema(schema)


def test_every_path_of_the_api_is_described(schema: dict[str, Any]) -> None:
    for pattern in urls.urlpatterns:
        path = "/api/" + str(pattern.pattern).replace("<uuid:", "{").replace(">", "}")
        assert path in schema["paths"], path
    assert set(PATHS) <= set(schema["paths"])


@pytest.mark.django_db
def test_a_generation_has_the_fields_that_the_schema_names(chat: Chat, script: object) -> None:
    generation, _ = start(user=chat.user, chat_id=chat.pk, wish=Wish("Hi."), key="", body={})
    assert set(state_of(generation)) == set(SCHEMAS["Generation"]["properties"])
    outcome = Outcome(Generation.Status.FAILED, error_code="provider_timeout")
    failed = settle(generation_id=generation.pk, chat_id=chat.pk, outcome=outcome)
    assert failed
    assert state_of(failed)["error"]["code"] == "provider_timeout"
