"""The admin's own site: one sign-in page for everybody, and no door for suspended staff."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite as DjangoAdminSite
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from intellispark.accounts.models import User

# Rows that only the flows they belong to may change: an address edited here would no longer be
# the one that its owner signs in with.
UNLISTED = {
    "account.emailaddress",
    "account.emailconfirmation",
    "token_blacklist.blacklistedtoken",
    "token_blacklist.outstandingtoken",
}


class AdminSite(DjangoAdminSite):
    site_header = _("IntelliSpark administration")
    site_title = _("IntelliSpark administration")
    index_title = _("Overview")

    def register(self, model_or_iterable: Any, *args: Any, **options: Any) -> None:
        one = isinstance(model_or_iterable, type)
        models: list[Any] = [model_or_iterable] if one else list(model_or_iterable)
        listed = [model for model in models if model._meta.label_lower not in UNLISTED]
        super().register(listed, *args, **options)

    def has_permission(self, request: HttpRequest) -> bool:
        user = request.user
        return super().has_permission(request) and isinstance(user, User) and not user.is_suspended

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The site's own sign-in page, with its rate limit. Signed in without a right: 403."""
        if request.user.is_authenticated and not self.has_permission(request):
            raise PermissionDenied
        target = request.GET.get("next") or reverse("admin:index", current_app=self.name)
        return redirect_to_login(target)

    def logout(  # type: ignore[override]  # a redirect instead of a page of its own
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Signs out of the whole site, and back to its front page."""
        super().logout(request, extra_context)
        return redirect("/")
