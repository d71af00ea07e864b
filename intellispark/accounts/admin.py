"""People in the admin: find, suspend, let back in, close; never delete: the ledger needs them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext, gettext_noop, ngettext
from django.utils.translation import gettext_lazy as _

from intellispark.accounts.closing import close_account
from intellispark.accounts.models import User
from intellispark.accounts.suspension import lift_suspension, suspend

REFUSED = gettext_noop(
    "You cannot do this to your own account or, unless you are a superuser, to a superuser."
)
RIGHTS = ("is_staff", "is_superuser", "groups", "user_permissions")


class SuspendedFilter(admin.SimpleListFilter):
    title = _("suspension")
    parameter_name = "suspended"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Suspended")), ("no", _("Not suspended"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> QuerySet[User]:
        if self.value() is None:
            return queryset
        return queryset.filter(suspended_at__isnull=self.value() == "no")


class NewUserForm(AdminUserCreationForm):
    class Meta:
        model = User
        fields = ("username", "email")
        field_classes = {"username": forms.CharField}


@admin.register(User)
class UserAdmin(DjangoUserAdmin):
    """Only superusers change rights; otherwise staff could give themselves more."""

    add_form = NewUserForm
    list_display = ["username", "email", "date_joined", "suspended_at", "is_active", "is_staff"]
    list_filter = [SuspendedFilter, "is_active", "is_staff", "date_joined"]
    search_fields = ["=id", "username", "email"]
    search_help_text = _("Username, e-mail address or full id.")
    ordering = ["-date_joined"]
    actions = ["suspend_selected", "lift_selected", "close_selected"]
    readonly_fields = ["id", "suspended_at", "last_login", "date_joined"]
    fieldsets = [
        (None, {"fields": ["id", "username", "email", "language", "password"]}),
        (_("Access"), {"fields": ["is_active", "suspended_at", *RIGHTS]}),
        (_("Dates"), {"fields": ["date_joined", "last_login"]}),
    ]
    add_fieldsets = [(None, {"fields": ["username", "email", "password1", "password2"]})]

    @admin.action(description=_("Suspend"), permissions=["change"])
    def suspend_selected(
        self, request: HttpRequest, queryset: QuerySet[User]
    ) -> HttpResponse | None:
        return self._carry_out(
            request,
            queryset,
            "suspend_selected",
            gettext("Suspend"),
            gettext("Suspended."),
            suspend,
        )

    @admin.action(description=_("Lift the suspension"), permissions=["change"])
    def lift_selected(self, request: HttpRequest, queryset: QuerySet[User]) -> HttpResponse | None:
        return self._carry_out(
            request,
            queryset,
            "lift_selected",
            gettext("Lift the suspension"),
            gettext("Suspension lifted."),
            lift_suspension,
        )

    @admin.action(description=_("Close the account permanently"), permissions=["change"])
    def close_selected(self, request: HttpRequest, queryset: QuerySet[User]) -> HttpResponse | None:
        def close(*, user: User) -> bool:
            close_account(user=user)
            return True

        return self._carry_out(
            request,
            queryset.filter(is_active=True),
            "close_selected",
            gettext("Close the account permanently"),
            gettext("Closed and anonymised."),
            close,
        )

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or not obj.is_superuser or _superuser(request))

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        fields = list(super().get_readonly_fields(request, obj))
        return fields if _superuser(request) else [*fields, *RIGHTS]

    def _carry_out(
        self,
        request: HttpRequest,
        queryset: QuerySet[User],
        action: str,
        title: str,
        done: str,
        change: Callable[..., bool],
    ) -> HttpResponse | None:
        """Ask for confirmation first; then change each person and log it for each."""
        people = list(queryset)
        own = any(user == request.user for user in people)
        beyond = not _superuser(request) and any(user.is_superuser for user in people)
        if own or beyond:
            self.message_user(request, gettext(REFUSED), messages.ERROR)
            return None
        if not request.POST.get("confirmed"):
            context = {
                **self.admin_site.each_context(request),
                "title": title,
                "people": people,
                "action": action,
                "action_checkbox_name": ACTION_CHECKBOX_NAME,
                "opts": self.opts,
                "media": self.media,
            }
            return TemplateResponse(request, "admin/accounts/user/confirm.html", context)
        changed = [user for user in people if change(user=user)]
        for user in changed:
            self.log_change(request, user, done)
        sentence = ngettext(
            "%(count)d person: %(done)s", "%(count)d people: %(done)s", len(changed)
        )
        self.message_user(
            request, sentence % {"count": len(changed), "done": done}, messages.SUCCESS
        )
        return None


def _superuser(request: HttpRequest) -> bool:
    return isinstance(request.user, User) and request.user.is_superuser
