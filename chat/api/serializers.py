"""The JSON of characters, chats, messages and generations, for the API and for the pages."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from chat.characters.models import Category, Character
from chat.conversations.html import html_of
from chat.conversations.models import Chat, Message
from chat.replies.models import Generation
from intellispark.api.fields import TimeField

LAST_MESSAGE_CHARS = 160


class CategorySerializer(serializers.ModelSerializer[Category]):
    name = serializers.CharField(source="label", help_text="In the reader's language.")

    class Meta:
        model = Category
        fields = ["slug", "name"]


class CharacterBriefSerializer(serializers.ModelSerializer[Character]):
    """A character in brief: name and picture."""

    name = serializers.CharField()
    avatar_url = serializers.CharField()

    class Meta:
        model = Character
        fields = ["id", "name", "avatar_url", "accent"]


class CharacterSerializer(CharacterBriefSerializer):
    """A character in the reader's language. `owner` is null for starter characters."""

    tagline = serializers.CharField()
    description = serializers.CharField()
    opening_line = serializers.CharField()
    suggestions = serializers.SerializerMethodField()
    categories = CategorySerializer(many=True)
    owner = serializers.UUIDField(source="owner_id", allow_null=True)
    chat_count = serializers.IntegerField()

    class Meta:
        model = Character
        fields = [
            *CharacterBriefSerializer.Meta.fields,
            "tagline",
            "description",
            "opening_line",
            "suggestions",
            "categories",
            "is_public",
            "owner",
            "chat_count",
        ]

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_suggestions(self, character: Character) -> list[str]:
        suggestions: list[str] = character.text().suggestions
        return suggestions


class CharacterDetailSerializer(CharacterSerializer):
    """A character, with its prompt when its owner reads it."""

    prompt = serializers.CharField(required=False, help_text="Only for the owner.")

    class Meta(CharacterSerializer.Meta):
        fields = [*CharacterSerializer.Meta.fields, "prompt"]

    def to_representation(self, character: Character) -> dict[str, object]:
        user = self.context["user"]
        owns = user.is_authenticated and character.owner_id == user.pk
        character.prompt = character.text().prompt if owns else ""  # type: ignore[attr-defined]  # of this answer only
        found: dict[str, object] = super().to_representation(character)
        if not owns:
            del found["prompt"]
        return found


class ChatSerializer(serializers.ModelSerializer[Chat]):
    """One chat. `last_message` is the beginning of its last message with text."""

    character = CharacterBriefSerializer()
    last_message = serializers.SerializerMethodField()
    created_at = TimeField()
    updated_at = TimeField(help_text="The last activity.")

    class Meta:
        model = Chat
        fields = ["id", "title", "character", "last_message", "created_at", "updated_at"]

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_last_message(self, chat: Chat) -> str | None:
        content: str | None = chat.last_content  # type: ignore[attr-defined]  # see with_last_message
        return content[:LAST_MESSAGE_CHARS] if content else None


class ReceiptSerializer(serializers.Serializer[Generation]):
    """What a reply cost: `tokens` of the wallet. The two counts are the model's own tokens."""

    tokens = serializers.IntegerField()
    entry_id = serializers.IntegerField()
    model = serializers.CharField()
    prompt_tokens = serializers.IntegerField(allow_null=True)
    completion_tokens = serializers.IntegerField(allow_null=True)
    estimated = serializers.BooleanField(help_text="The model's server gave no counts.")

    def to_representation(self, generation: Generation) -> dict[str, object]:
        assert generation.capture is not None  # noqa: S101  see receipt_of
        return {
            "tokens": -generation.capture.amount,
            "entry_id": generation.capture.pk,
            "model": generation.model,
            "prompt_tokens": generation.prompt_tokens,
            "completion_tokens": generation.completion_tokens,
            "estimated": generation.estimated,
        }


def receipt_of(generation: Generation | None) -> dict[str, object] | None:
    """The receipt, or None when nothing was charged."""
    taken = generation is not None and generation.capture_id is not None
    return ReceiptSerializer(generation).data if taken else None


class MessageSerializer(serializers.ModelSerializer[Message]):
    """One message. While its status is `streaming`, `generation_id` names the stream to follow."""

    content_html = serializers.SerializerMethodField(
        help_text="A reply rendered, safe to insert. Empty for what people write and while a reply "
        "grows: show `content` as text."
    )
    cut_by = serializers.SerializerMethodField(
        help_text="What ended the reply before its time: `length` is the model's limit."
    )
    created_at = TimeField()
    parent_id = serializers.UUIDField(allow_null=True)
    receipt = serializers.SerializerMethodField()
    generation_id = serializers.SerializerMethodField()

    class Meta:
        model = Message
        fields = [
            "id",
            "role",
            "content",
            "content_html",
            "status",
            "cut_by",
            "created_at",
            "parent_id",
            "receipt",
            "generation_id",
        ]

    @extend_schema_field(serializers.CharField())
    def get_content_html(self, message: Message) -> str:
        return html_of(message)

    @extend_schema_field(serializers.ChoiceField(Message.CutBy.choices, allow_null=True))
    def get_cut_by(self, message: Message) -> str | None:
        return message.cut_by or None

    @extend_schema_field(ReceiptSerializer(allow_null=True))
    def get_receipt(self, message: Message) -> dict[str, object] | None:
        return receipt_of(_generation_of(message))

    @extend_schema_field(serializers.UUIDField(allow_null=True))
    def get_generation_id(self, message: Message) -> str | None:
        generation = _generation_of(message)
        return str(generation.pk) if generation else None


def _generation_of(message: Message) -> Generation | None:
    """The generation that wrote the message, or None. No query after `with_receipts`."""
    if message.role != Message.Role.ASSISTANT:
        return None
    return getattr(message, "generation", None)
