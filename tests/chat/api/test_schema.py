"""The plain async views are in the OpenAPI schema, and it agrees with what they answer."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema
from jsonschema import Draft202012Validator

from chat.api import urls
from chat.api.answers import state_of
from chat.api.schema import PATHS, SCHEMAS
from chat.conversations.messages import post_message
from chat.models import Chat, Generation
from chat.replies.settle import Outcome, finish_generation
from chat.replies.start import start
from intellispark.accounts.models import User
from tests.support.scripted import Script


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


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("body", "is_valid"),
    [
        ({"content": "Hi."}, True),
        ({"content": "x" * 10_000}, True),
        ({}, True),
        ({"content": ""}, False),
        ({"content": " \n "}, False),
        ({"content": "a\0b"}, False),
        ({"content": "x" * 10_001}, False),
        ({"content": "Hi.", "message_id": str(uuid4())}, False),
        ({"content": 5}, False),
    ],
)
def test_the_schema_and_the_api_refuse_the_same_wishes(
    owner: User, chat: Chat, script: Script, body: dict[str, Any], is_valid: bool
) -> None:
    refused = Draft202012Validator(SCHEMAS["GenerateRequest"]).iter_errors(body)
    assert (not any(refused)) == is_valid
    post_message(user=owner, chat=chat, content="Hello?", key="")
    client = Client()
    client.force_login(owner)
    url = f"/api/chats/{chat.pk}/generate"
    response = client.post(url, body, "application/json", headers={"Prefer": "respond-async"})
    assert response.status_code == (202 if is_valid else 422), response.content


def test_texts_and_limits_are_described(schema: dict[str, Any]) -> None:
    def blank(name: str, field: str) -> bool:
        described = schema["components"]["schemas"][name]["properties"][field]
        return Draft202012Validator(described).is_valid("  ")

    assert not blank("MessagePost", "content")
    assert not blank("PatchedChatRename", "title")
    parameters = schema["paths"]["/api/chats/{chat_id}/messages"]["get"]["parameters"]
    (limit,) = [one["schema"] for one in parameters if one["name"] == "limit"]
    assert (limit["minimum"], limit["maximum"], limit["default"]) == (1, 100, 50)


@pytest.mark.django_db
def test_a_generation_has_the_fields_that_the_schema_names(chat: Chat, script: object) -> None:
    generation, _ = start(user=chat.user, chat_id=chat.pk, body={"content": "Hi."})
    assert set(state_of(generation)) == set(SCHEMAS["Generation"]["properties"])
    outcome = Outcome(Generation.Status.FAILED, error_code="provider_timeout")
    failed = finish_generation(generation_id=generation.pk, chat_id=chat.pk, outcome=outcome)
    assert failed
    assert state_of(failed)["error"]["code"] == "provider_timeout"
