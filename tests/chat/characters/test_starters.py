"""The starter characters and the demo that lets them speak."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path

import pytest
from django.core.management import call_command
from django.utils import translation
from pytest_django.fixtures import Settings

from chat.characters.categories import CATEGORIES
from chat.characters.starters import FOLDER, load_starters
from chat.models import Category, Character, CharacterText
from chat.replies.providers.base import Delta, ReplyRequest, Turn
from chat.replies.providers.demo import QUOTE_MAX_CHARS, DemoProvider, quote, scripted_reply

FILES = sorted(FOLDER.glob("*.json"))


@pytest.mark.django_db
def test_loading_twice_changes_nothing() -> None:
    assert len(load_starters()) == len(FILES) >= 12
    assert load_starters() == []
    assert Character.objects.count() == len(FILES)
    assert Category.objects.count() == len(CATEGORIES)


@pytest.mark.django_db
def test_loading_again_brings_texts_up_to_date_and_leaves_others_alone(
    character: Character,
) -> None:
    call_command("load_characters")
    some = Character.objects.exclude(slug=None).first()
    assert some
    CharacterText.objects.filter(character=some).update(tagline="Old.")
    assert load_starters() == [some.slug]
    assert not CharacterText.objects.filter(tagline="Old.").exists()
    character.refresh_from_db()
    assert character.name == "Mira"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_starter_is_whole(path: Path) -> None:
    data = json.loads(path.read_text(encoding="utf-8"))
    assert data["slug"] == path.stem
    assert set(data["categories"]) <= set(CATEGORIES)
    assert set(data["texts"]) == set(data["demo"]) == {"en", "zh-hans"}
    for language, text in data["texts"].items():
        for field in ("name", "tagline", "description", "opening_line", "prompt"):
            limit = CharacterText._meta.get_field(field).max_length
            assert 0 < len(text[field]) <= (limit or 0), field
        assert len(text["suggestions"]) == 3
        plain = [text["name"], text["tagline"], text["description"], *text["suggestions"]]
        assert not [shown for shown in plain if re.search(r"[*_`#]", shown)]
        assert len(data["demo"][language]) >= 2
    assert (FOLDER.parents[1] / "static" / "chat" / "avatars" / f"{data['slug']}.svg").exists()


@pytest.mark.django_db
def test_categories_are_shown_in_the_readers_language() -> None:
    load_starters()
    with translation.override("en"):
        assert Category.objects.get(slug="sci-fi").label == "Sci-fi"


def request(script: list[str], turn_number: int = 0, said: str = "I like tea.") -> ReplyRequest:
    return ReplyRequest("", [Turn("user", said)], "en", script, turn_number)


def test_replies_take_turns() -> None:
    script = ["a", "b", "c"]
    replies = [scripted_reply(request(script, number)) for number in range(7)]
    assert all(first != second for first, second in pairwise(replies))


def test_the_quote_is_short_and_plain() -> None:
    assert scripted_reply(request(["“{said}”. Mm."])) == "“I like tea”. Mm."
    assert scripted_reply(request(["“{said}”?"], said="*[x](y)* <b>\n`z`")) == "“x(y) b z”?"
    long = quote("word " * 100)
    assert len(long) <= QUOTE_MAX_CHARS + 1
    assert long.endswith("word…")
    assert len(quote("字" * 500)) == QUOTE_MAX_CHARS + 1


def test_a_character_without_a_script_still_answers() -> None:
    assert scripted_reply(request([]))
    zh = ReplyRequest("", [Turn("user", "你好")], "zh-hans")
    assert scripted_reply(zh)


async def test_it_streams_word_by_word_and_chinese_by_twos(settings: Settings) -> None:
    settings.AI_DEMO_WORDS_PER_SEC = 0
    text = "  One two,\n\nthree. 我们一起去看海，好吗？🌍"
    events = [event async for event in DemoProvider().stream(request([text]))]
    pieces = [event.text for event in events if isinstance(event, Delta)]
    assert "".join(pieces) == text
    assert len(pieces) > 8
    assert max(map(len, pieces)) <= 8
