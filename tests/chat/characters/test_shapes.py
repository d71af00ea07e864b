"""What a row of a character holds cannot break a page: it is checked when it is saved, and shown
without it when it is wrong all the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import call_command
from django.db import connection, models
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from chat.conversations.chats import create_chat
from chat.models import Character, CharacterText
from chat.replies.start import start
from intellispark.accounts.models import User
from tests.support.factories import make_user

pytestmark = pytest.mark.django_db

ODD_PATHS = ["chat/avatars/miira.svg", "/etc/passwd", "../secret", "a\nb", "?", "//evil.example/x"]
ODD_JSON = ["5", "null", '"text"', "{}", "[]", "[1, {}]", '{"en": 5}', '{"en": [5]}', '["a", null]']


@pytest.fixture
def hashed_files(settings: Settings, tmp_path: Path) -> None:
    """As in production: a file that is not among the hashed ones has no address."""
    settings.DEBUG = False
    settings.STATIC_ROOT = str(tmp_path)
    storage = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": storage}}
    call_command("collectstatic", verbosity=0, interactive=False)
    with pytest.raises(ValueError, match="Missing staticfiles manifest entry"):
        staticfiles_storage.url("chat/avatars/miira.svg")


def all_pages_stand(user: User, character: Character) -> None:
    chat = create_chat(user=user, character_id=character.pk)
    client, stranger = Client(), Client()
    client.force_login(user)
    paths = [
        "/",
        "/characters/",
        reverse("character", args=[character.pk]),
        "/api/characters",
        f"/api/characters/{character.pk}",
    ]
    own = [chat.get_absolute_url(), "/chats/", "/api/chats", f"/api/chats/{chat.pk}"]
    for asks, asked in ((client, [*paths, *own]), (stranger, paths)):
        for path in asked:
            assert asks.get(path).status_code == 200, path
    _, request = start(user=user, chat_id=chat.pk, body={"content": "Hello."})
    assert request
    assert request.turns


def write(model: type[models.Model], column: str, value: str) -> None:
    """Past every check, as a script or an older version may."""
    with connection.cursor() as cursor:
        cursor.execute(f'UPDATE {model._meta.db_table} SET "{column}" = %s', [value])


def test_a_picture_that_is_not_there_breaks_no_page(
    character: Character, alice: User, hashed_files: None
) -> None:
    for number, path in enumerate(ODD_PATHS):
        write(Character, "avatar", path)
        all_pages_stand(make_user(f"person{number}"), character)
    assert b'src="chat' not in Client().get("/characters/").content


@pytest.mark.both_engines
@pytest.mark.parametrize(
    ("model", "column"),
    [
        (model, field.column)
        for model in (Character, CharacterText)
        for field in model._meta.fields
        if isinstance(field, models.JSONField)
    ],
)
def test_json_of_another_shape_breaks_no_page(
    character: Character, model: type[models.Model], column: str
) -> None:
    for number, text in enumerate(ODD_JSON):
        write(model, column, text)
        all_pages_stand(make_user(f"person{number}"), character)


GOOD = {
    "avatar": ["", "chat/avatars/captain-mirela-vos.svg"],
    "accent": ["#6c675d", "#FFFFFF"],
    "demo_replies": ["", "null", "{}", '{"en": ["One."], "zh-hans": []}'],
}
BAD = {
    "avatar": ODD_PATHS,
    "accent": ["red", "#12345", "#12345g", "url(x)"],
    "demo_replies": [text for text in ODD_JSON if text not in ("{}", "null")],
}


def form_of(character: Character, **changed: str) -> dict[str, Any]:
    return {
        "avatar": "",
        "accent": "#6c675d",
        "demo_replies": "{}",
        "is_public": "on",
        "position": "1",
        "texts-TOTAL_FORMS": "0",
        "texts-INITIAL_FORMS": "0",
        **changed,
    }


@pytest.mark.parametrize("column", GOOD)
def test_a_shape_is_checked_when_it_is_saved(
    client: Client, character: Character, column: str
) -> None:
    client.force_login(make_user("root", is_staff=True, is_superuser=True))
    path = reverse("admin:chat_character_change", args=[character.pk])
    for value in GOOD[column]:
        assert client.post(path, form_of(character, **{column: value})).status_code == 302, value
    for value in BAD[column]:
        refused = client.post(path, form_of(character, **{column: value}))
        assert refused.status_code == 200, value
        assert column in refused.context["adminform"].form.errors, value
    text = CharacterText(
        character=character, language="fr", name="M", tagline="t", description="d", opening_line="o"
    )
    text.full_clean()
    text.suggestions = [5]
    with pytest.raises(Exception, match="Write a list of texts"):
        text.full_clean()
