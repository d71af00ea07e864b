"""Chats that nobody renamed have no title of their own: they show the character's name."""

from django.db import migrations
from django.db.models import Exists, OuterRef, Subquery, Value
from django.db.models.functions import Coalesce


def forget(apps, schema_editor):
    names = apps.get_model("chat", "CharacterText").objects.filter(
        character=OuterRef("character"), name=OuterRef("given_title")
    )
    apps.get_model("chat", "Chat").objects.filter(Exists(names)).update(given_title="")


def name_again(apps, schema_editor):
    """In the chat's language, else in English, else in any."""
    texts = apps.get_model("chat", "CharacterText").objects.filter(
        character=OuterRef("character")
    )
    found = (
        texts.filter(language=OuterRef("language")),
        texts.filter(language="en"),
        texts.order_by("language"),
    )
    names = [Subquery(each.values("name")[:1]) for each in found]
    unnamed = apps.get_model("chat", "Chat").objects.filter(given_title="")
    unnamed.update(given_title=Coalesce(*names, Value("")))


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0003_chat_given_title"),
    ]

    operations = [
        migrations.RunPython(forget, name_again),
    ]
