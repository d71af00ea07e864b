"""The categories of the discover page, in their order. Pages translate the English names."""

from django.utils.translation import gettext_noop as _

CATEGORIES = {
    "adventure": _("Adventure"),
    "cozy": _("Cozy"),
    "mystery": _("Mystery"),
    "learning": _("Learning"),
    "fantasy": _("Fantasy"),
    "sci-fi": _("Sci-fi"),
    "everyday": _("Everyday"),
    "wellbeing": _("Wellbeing"),
}
