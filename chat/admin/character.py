"""Characters, with their texts in every language."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from chat.characters.models import Category, Character, CharacterText


class CharacterTextInline(admin.StackedInline):
    model = CharacterText
    extra = 0


@admin.register(Character)
class CharacterAdmin(admin.ModelAdmin):
    """Change starter characters in their files: `load_characters` overwrites them from there."""

    inlines = [CharacterTextInline]
    list_display = ("__str__", "slug", "owner", "is_public", "position", "created_at")
    list_filter = ("is_public", "categories")
    list_select_related = ("owner",)
    search_fields = ("slug", "texts__name", "owner__username")
    search_help_text = _("Name, slug or owner")
    autocomplete_fields = ("owner",)
    filter_horizontal = ("categories",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Character]:
        return super().get_queryset(request).prefetch_related("texts")


@admin.register(Category)
class CategoryAdmin(admin.ModelAdmin):
    list_display = ("__str__", "slug", "position")
