"""The admin's own site: one sign-in page for everybody, no door for suspended staff, and lists
that tell no more than they show."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.admin import AdminSite as DjangoAdminSite
from django.contrib.admin import ModelAdmin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import FieldDoesNotExist, PermissionDenied
from django.db.models import DateField, Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from intellispark.accounts.models import User
from intellispark.dates import is_date

# Not in the admin: only the sign-in flows may change these rows. An address edited here would
# differ from the one on the account.
UNLISTED = {
    "account.emailaddress",
    "account.emailconfirmation",
    "token_blacklist.blacklistedtoken",
    "token_blacklist.outstandingtoken",
}


COMPARISONS = {"exact", "isnull", "in", "gt", "gte", "lt", "lte"}


class ListedLookups(ModelAdmin):
    """Django lets any column be searched by the address of its list, whether it is shown or not:
    `?title__startswith=a`, letter by letter, spells what the list keeps to itself. Here a look-up
    starts at a field of `list_filter`, or of `allowed_lookups` where an admin has that, and asks
    what such a filter asks: no regular expression, and no date beyond all bounds.

    The box for searching would spell addresses as well: one that the list does not show is found
    whole, and only by those who may view people.
    """

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        fields = [str(field) for field in super().get_search_fields(request)]
        if "email" in self.get_list_display(request):
            return fields
        sees_people = request.user.has_perm("accounts.view_user")
        return [
            f"={field.lstrip('=^@')}" if _is_address(field) else field
            for field in fields
            if sees_people or not _is_address(field)
        ]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        filters = self.get_list_filter(request) if request else self.list_filter
        roots = {*getattr(self, "allowed_lookups", ())}
        for each in filters:
            name = each[0] if isinstance(each, tuple) else getattr(each, "parameter_name", each)
            roots.add(str(name))
        root, *steps = lookup.split("__")
        if root not in roots or not self._is_bounded(root, steps, str(value)):
            return False
        return super().lookup_allowed(lookup, value, request)  # type: ignore[arg-type]  # Django takes None too

    def _is_bounded(self, root: str, steps: list[str], value: str) -> bool:
        try:
            field = self.opts.get_field(root)
        except FieldDoesNotExist:  # a filter of its own, which knows its values
            return True
        if field.is_relation and field.related_model and steps:
            steps = steps[1:]  # the column over there
        if not COMPARISONS.issuperset(steps):
            return False
        if isinstance(field, DateField) and "isnull" not in steps:
            return is_date(value)
        return True


def _is_address(field: str) -> bool:
    return field.split("__")[-1].lstrip("=^@") == "email"


class AdminSite(DjangoAdminSite):
    site_header = _("IntelliSpark administration")
    site_title = _("IntelliSpark administration")
    index_title = _("Overview")

    def register(
        self,
        model_or_iterable: type[Model] | Iterable[type[Model]],
        admin_class: type[ModelAdmin] | None = None,
        **options: object,
    ) -> None:
        """Every admin, also those of other packages, gets the rule about look-ups."""
        models = (
            [model_or_iterable] if isinstance(model_or_iterable, type) else [*model_or_iterable]
        )
        listed = [model for model in models if model._meta.label_lower not in UNLISTED]
        stock = admin_class or ModelAdmin
        super().register(listed, type(stock.__name__, (ListedLookups, stock), {}), **options)

    def has_permission(self, request: HttpRequest) -> bool:
        user = request.user
        return super().has_permission(request) and isinstance(user, User) and not user.is_suspended

    def login(
        self, request: HttpRequest, extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        """Redirect to the site's own sign-in page, which has a rate limit; 403 for non-staff."""
        if request.user.is_authenticated and not self.has_permission(request):
            raise PermissionDenied
        target = request.GET.get("next") or reverse("admin:index", current_app=self.name)
        return redirect_to_login(target)

    def password_change(  # type: ignore[override]  # a redirect, as below
        self, request: HttpRequest, extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        """The site's own page, where checks of a password are counted."""
        return redirect("account_change_password")

    def logout(  # type: ignore[override]  # a redirect instead of a page of its own
        self, request: HttpRequest, extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        """Sign out of the whole site, and go to its front page."""
        super().logout(request, extra_context)
        return redirect("/")
