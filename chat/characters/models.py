"""Characters, their texts in each language, and the categories they are found in."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Count, OuterRef, Q, Subquery
from django.urls import reverse
from django.utils.translation import get_language, gettext, override
from django.utils.translation import gettext_lazy as _

from chat.characters.fields import (
    LinesField,
    ScriptField,
    avatar_url,
    check_accent,
    check_avatar,
)
from intellispark.accounts.models import User

SEARCH_WORDS = 8  # of a query; nobody means more


class CategoryQuerySet(models.QuerySet["Category"]):
    def named(self, word: str) -> list[str]:
        """The slugs of those whose name has that word in it, in any language of ours: one query."""
        found = set()
        for category in self:
            for language, _name in settings.LANGUAGES:
                with override(language):
                    if word.casefold() in category.label.casefold():
                        found.add(category.pk)
        return sorted(found)


class Category(models.Model):
    """A category of the discover page. Pages translate its English name."""

    slug = models.SlugField(_("slug"), primary_key=True)
    name = models.CharField(_("name"), max_length=40)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    objects = CategoryQuerySet.as_manager()

    class Meta:
        ordering = ["position", "slug"]
        verbose_name = _("category")
        verbose_name_plural = _("categories")

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """The name in the active language (`categories.py` marks the names for translation)."""
        return gettext(self.name) if self.name else ""


class CharacterQuerySet(models.QuerySet["Character"]):
    def visible_to(self, user: User | AnonymousUser) -> CharacterQuerySet:
        """Public characters, and the person's own."""
        visible = Q(is_public=True)
        if user.is_authenticated:
            visible |= Q(owner=user)
        return self.filter(visible)

    def matching(self, *, q: str = "", category: str = "") -> CharacterQuerySet:
        """Those in that category that have each word of `q` in one of their texts, or in the name
        of a category of theirs, in any language."""
        found = self.filter(categories__slug=category) if category else self
        categories = Category.objects.all()  # read once, and only for a search
        for word in q.split()[:SEARCH_WORDS]:
            texts = CharacterText.objects.having(word)
            named = Character.categories.through.objects.filter(category__in=categories.named(word))
            found = found.filter(
                Q(pk__in=texts.values("character")) | Q(pk__in=named.values("character"))
            )
        return found

    def for_cards(self) -> CharacterQuerySet:
        """With `chat_count`, and with texts and categories loaded: three queries in all.

        A sub-select counts the chats, so only those of the page's own rows are read.
        """
        counted = Character.objects.filter(pk=OuterRef("pk")).order_by()
        count = Subquery(counted.annotate(count=Count("chats")).values("count"))
        return self.annotate(chat_count=count).prefetch_related("texts", "categories")


class Character(models.Model):
    """A character. Its name and other texts stand in `texts`, one row per language."""

    id = models.UUIDField(_("id"), primary_key=True, default=uuid.uuid4, editable=False)
    slug = models.SlugField(_("slug"), unique=True, null=True, blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="characters",
        verbose_name=_("owner"),
    )
    avatar = models.CharField(
        _("avatar"), max_length=200, blank=True, help_text=_("A static file.")
    )
    accent = models.CharField(_("accent"), max_length=7, default="#6c675d")
    categories = models.ManyToManyField(
        Category, blank=True, related_name="characters", verbose_name=_("categories")
    )
    demo_replies = ScriptField(_("demo replies"), default=dict, blank=True)
    is_public = models.BooleanField(_("public"), default=True)
    position = models.PositiveSmallIntegerField(_("position"), default=1000)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects = CharacterQuerySet.as_manager()

    class Meta:
        ordering = ["position", "created_at"]
        verbose_name = _("character")
        verbose_name_plural = _("characters")

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """For forms: what pages make of these columns has to be there."""
        problems: dict[str, ValidationError] = {}
        for name, check in (("avatar", check_avatar), ("accent", check_accent)):
            try:
                if value := getattr(self, name):
                    check(value)
            except ValidationError as error:
                problems[name] = error
        if problems:
            raise ValidationError(problems)

    def get_absolute_url(self) -> str:
        return reverse("character", args=[self.pk])

    @property
    def avatar_url(self) -> str:
        return avatar_url(self.avatar)

    def text(self, language: str | None = None) -> CharacterText:
        """The texts in that language (default: the active one), else English, else any.

        No query when `texts` were prefetched.
        """
        language = language or get_language() or settings.LANGUAGE_CODE
        texts = {text.language: text for text in self.texts.all()}
        return texts.get(language) or texts.get("en") or next(iter(texts.values()), CharacterText())

    @property
    def name(self) -> str:
        return self.text().name

    @property
    def tagline(self) -> str:
        return self.text().tagline

    @property
    def description(self) -> str:
        return self.text().description

    @property
    def opening_line(self) -> str:
        return self.text().opening_line


class CharacterTextQuerySet(models.QuerySet["CharacterText"]):
    def having(self, word: str) -> CharacterTextQuerySet:
        """Those with that word in what people can read of them; the prompt is not."""
        return self.filter(
            Q(name__icontains=word)
            | Q(tagline__icontains=word)
            | Q(description__icontains=word)
            | Q(opening_line__icontains=word)
        )


class CharacterText(models.Model):
    """A character in one language. Only the model and the owner read the prompt."""

    character = models.ForeignKey(
        Character, on_delete=models.CASCADE, related_name="texts", verbose_name=_("character")
    )
    language = models.CharField(_("language"), max_length=10)
    name = models.CharField(_("name"), max_length=80)
    tagline = models.CharField(_("tagline"), max_length=120)
    description = models.TextField(_("description"), max_length=4000)
    opening_line = models.TextField(_("opening line"), max_length=4000)
    prompt = models.TextField(_("prompt"), max_length=8000, blank=True)
    suggestions = LinesField(_("suggestions"), default=list, blank=True)

    objects = CharacterTextQuerySet.as_manager()

    class Meta:
        verbose_name = _("text")
        verbose_name_plural = _("texts")
        constraints = [
            models.UniqueConstraint(
                fields=["character", "language"], name="chat_charactertext_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.language})"
