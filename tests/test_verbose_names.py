"""Every model and field that the admin can show has a name in both languages."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.utils.functional import Promise

pytestmark = pytest.mark.once

OURS = {"accounts", "api", "payments", "chat"}


def test_models_and_their_fields_are_named_by_the_catalogue() -> None:
    found = [model for model in apps.get_models() if model._meta.app_label in OURS]
    names = {
        **{model._meta.label: model._meta.verbose_name for model in found},
        **{f"{model._meta.label}s": model._meta.verbose_name_plural for model in found},
        **{
            str(field): field.verbose_name
            for model in found
            for field in [*model._meta.fields, *model._meta.many_to_many]
            if not getattr(field, "auto_created", False)
        },
    }
    assert len(names) > 100
    assert [key for key, name in names.items() if not isinstance(name, Promise)] == []
