"""How every form shows its fields. Templates print them with `_field.html`."""

from __future__ import annotations

from typing import Any

from django.forms.boundfield import BoundField
from django.forms.renderers import TemplatesSetting
from django.forms.widgets import Widget


class FocusedBoundField(BoundField):
    """The first field that was refused has the focus when the form comes back: browsers bring it
    into view, with its error beside it."""

    def build_widget_attrs(
        self, attrs: dict[str, Any], widget: Widget | None = None
    ) -> dict[str, Any]:
        found: dict[str, Any] = super().build_widget_attrs(attrs, widget)
        refused = (name for name in self.form.fields if name in self.form.errors)
        if self.name == next(refused, None):
            found["autofocus"] = True
        return found


class FormRenderer(TemplatesSetting):
    bound_field_class = FocusedBoundField
