"""The JSON of accounts: what goes out, and what may come in."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from intellispark.accounts import emails
from intellispark.accounts.models import User

LANGUAGES = ["", "en", "zh-hans"]


# No enum: drf-spectacular would take the empty one out of it.
@extend_schema_field({"type": "string", "pattern": f"^({'|'.join(LANGUAGES)})$"})
class LanguageField(serializers.ChoiceField):
    """A language code. Empty stands for the language of each request."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=LANGUAGES, **kwargs)


class UserSerializer(serializers.ModelSerializer[User]):
    """One's own account. `pending_email` is wanted, and counts once it is confirmed by mail."""

    pending_email = serializers.SerializerMethodField()
    language = LanguageField(read_only=True)
    created_at = serializers.DateTimeField(source="date_joined", read_only=True)

    class Meta:
        model = User
        fields = ["id", "username", "email", "pending_email", "language", "created_at"]
        read_only_fields = fields

    def get_pending_email(self, user: User) -> str | None:
        return emails.pending_address(user)


class ProfileSerializer(serializers.Serializer[User]):
    """What may be changed. Types are checked here, the rules by the forms of `accounts.forms`."""

    username = serializers.CharField(max_length=150)
    email = serializers.CharField(
        max_length=254,
        help_text="Another one needs `current_password`, and counts once it is confirmed by mail.",
    )
    current_password = serializers.CharField(max_length=256, trim_whitespace=False, write_only=True)
    language = LanguageField()


class RegisterSerializer(serializers.Serializer[User]):
    """A new account. This checks the types; accounts.forms.SignupForm checks the rules."""

    username = serializers.CharField(max_length=150)
    email = serializers.CharField(max_length=254)
    password = serializers.CharField(max_length=256, trim_whitespace=False, write_only=True)


class LoginSerializer(serializers.Serializer[User]):
    """`username` or `email`, not both, and `password`. Either takes a username or an address."""

    username = serializers.CharField(max_length=254, required=False)
    email = serializers.CharField(max_length=254, required=False)
    password = serializers.CharField(max_length=256, trim_whitespace=False, write_only=True)

    def validate(self, attrs: dict[str, object]) -> dict[str, object]:
        if not attrs.get("username") and not attrs.get("email"):
            raise serializers.ValidationError(
                {"username": [_("Enter a username or an e-mail address.")]}
            )
        if attrs.get("username") and attrs.get("email"):
            raise serializers.ValidationError(
                {"email": [_("Enter a username or an e-mail address, not both.")]}
            )
        return attrs


class RefreshSerializer(serializers.Serializer[dict[str, str]]):
    refresh = serializers.CharField(max_length=4096)


class PairSerializer(serializers.Serializer[dict[str, str]]):
    access = serializers.CharField()
    refresh = serializers.CharField()


class SignedInSerializer(PairSerializer):
    user = UserSerializer()


class RegisteredSerializer(serializers.Serializer[dict[str, str]]):
    """Where addresses are confirmed first: a mail is on its way, whoever has an account there."""

    pending_email = serializers.CharField()
