"""The API does what its schema says: whatever is sent, no answer is a 5xx, and none has a status, a
type or a shape that is not written down. Schemathesis makes the requests out of the schema."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import hypothesis
import pytest
import requests
import schemathesis
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.support.server import Server

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_engines]

EXAMPLES = 15  # of each operation
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
PATIENT = {"timeout": 120}


class Person:
    """Somebody with a chat, a reply and a purchase, whose ids requests may name."""

    def __init__(self, server: Server) -> None:
        self.url = server.url
        self.http = requests.Session()
        name = f"person{uuid4().hex[:12]}"
        new = {"username": name, "email": f"{name}@example.com", "password": "a-pass-phrase-97"}
        made = self.post("/api/auth/register", new)
        self.http.headers["Authorization"] = f"Bearer {made['access']}"
        character = self.http.get(f"{self.url}/api/characters", **PATIENT).json()["results"][0]
        chat = self.post("/api/chats", {"character_id": character["id"]})
        reply = self.post(
            f"/api/chats/{chat['id']}/generate", {"content": "Hi."}, Prefer="respond-async"
        )
        purchase = self.post("/api/payment/checkout", {"pack": "starter"})
        self.known = {
            "character_id": character["id"],
            "chat_id": chat["id"],
            "generation_id": reply["generation"]["id"],
            "message_id": reply["message"]["id"],
            "purchase_id": purchase["purchase_id"],
            "pack": "starter",
            "refresh": made["refresh"],
            "current_password": new["password"],
            "before": reply["message"]["id"],
        }

    def post(self, path: str, body: dict[str, str], **headers: str) -> Any:
        answer = self.http.post(f"{self.url}{path}", json=body, headers=headers, **PATIENT)
        assert answer.ok, answer.text
        return answer.json()

    def named_in(self, values: Any) -> Any:
        """The same with real ids and words wherever such are asked for."""
        if not isinstance(values, dict):
            return values
        return {name: self.known.get(name, value) for name, value in values.items()}


@pytest.fixture
def server() -> Iterator[Server]:
    with Server("--prepare") as server:
        yield server


def test_whatever_is_sent_the_answer_is_in_the_schema(server: Server) -> None:
    schema = schemathesis.openapi.from_url(f"{server.url}/api/schema/?format=json")
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) >= 20, "the whole API"
    problems = []
    for operation in operations:
        try:
            _try(operation, Person(server))
        except FailureGroup as told:
            problems.append(f"{operation.label}: {told}")
    assert problems == [], "\n\n".join(problems)


def _try(operation: Any, person: Person) -> None:
    @hypothesis.settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
    )
    @hypothesis.given(case=operation.as_strategy(), real=st.booleans())
    def ask(case: Any, real: bool) -> None:
        if real:
            for part in ("path_parameters", "query", "body"):
                setattr(case, part, person.named_in(getattr(case, part)))
        case.call_and_validate(session=person.http, checks=CHECKS, **PATIENT)

    ask()
