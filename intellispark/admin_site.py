"""The admin site: it signs people in on the site's own page, and keeps suspended staff out."""

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

# Not in the admin: only the sign-in flows may change these rows. An address edited here would
# differ from the one on the account.
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
        """Redirect to the site's own sign-in page, which has a rate limit; 403 for non-staff."""
        if request.user.is_authenticated and not self.has_permission(request):
            raise PermissionDenied
        target = request.GET.get("next") or reverse("admin:index", current_app=self.name)
        return redirect_to_login(target)

    def logout(  # type: ignore[override]  # a redirect instead of a page of its own
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Sign out of the whole site, and go to its front page."""
        super().logout(request, extra_context)
        return redirect("/")
