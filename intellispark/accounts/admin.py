"""People in the admin: find, suspend, let back in, close; never delete: the ledger needs them.

Whose account somebody may act on is said in `rights.py`.
"""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext, gettext_noop, ngettext
from django.utils.translation import gettext_lazy as _

from intellispark.accounts import emails
from intellispark.accounts.admin_forms import (
    ChangeUserForm,
    NameAndAddressMixin,
    NewUserForm,
    SetPasswordForm,
)
from intellispark.accounts.closing import close_account
from intellispark.accounts.models import User
from intellispark.accounts.rights import may_act_on
from intellispark.accounts.suspension import lift_suspension, suspend
from intellispark.api.errors import Invalid
from intellispark.text import StrOrPromise

REFUSED = gettext_noop(
    "You cannot do this to your own account or, unless you are a superuser, to staff."
)
RIGHTS = ("is_staff", "is_superuser", "groups", "user_permissions")


class SuspendedFilter(admin.SimpleListFilter):
    title = _("suspension")
    parameter_name = "suspended"

    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin
    ) -> list[tuple[str, StrOrPromise]]:
        return [("yes", _("Suspended")), ("no", _("Not suspended"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> QuerySet[User]:
        if self.value() is None:
            return queryset
        return queryset.filter(suspended_at__isnull=self.value() == "no")


admin.site.unregister(Group)  # Django's own


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin):
    """What a group may do, its members may do: so groups are for superusers."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return _superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return _superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return _superuser(request)


@admin.register(User)
class UserAdmin(DjangoUserAdmin):
    """Only superusers change rights; otherwise staff could give themselves more."""

    form = ChangeUserForm
    add_form = NewUserForm
    change_password_form = SetPasswordForm
    list_display = ["username", "email", "date_joined", "suspended_at", "is_active", "is_staff"]
    list_filter = [SuspendedFilter, "is_active", "is_staff", "date_joined"]
    search_fields = ["=id", "username", "email"]
    search_help_text = _("Username, e-mail address or full id.")
    ordering = ["-date_joined"]
    actions = ["suspend_selected", "lift_selected", "close_selected"]
    # Accounts end by the action that closes them: unticking a box would leave all of it there.
    readonly_fields = ["id", "is_active", "suspended_at", "last_login", "date_joined"]
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
        return self._carry_out(
            request,
            queryset.filter(is_active=True),
            "close_selected",
            gettext("Close the account permanently"),
            gettext("Closed and anonymised."),
            close_account,
        )

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or (obj.is_active and may_act_on(request.user, obj)))

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        fields = list(super().get_readonly_fields(request, obj))
        if obj == request.user:  # the page for it asks for the password, and for the new address
            fields.append("email")
        return fields if _superuser(request) else [*fields, *RIGHTS]

    def save_model(
        self, request: HttpRequest, obj: User, form: NameAndAddressMixin, change: bool
    ) -> None:
        """What was changed, under the person's lock; the address by its own writer."""
        if change:
            person = User.objects.select_for_update().get(pk=obj.pk)
            if not self.has_change_permission(request, person):
                raise PermissionDenied
        super().save_model(request, obj, form, change)
        if change and "email" in form.changed_data:
            try:
                emails.replace(user=obj, email=form.cleaned_data["email"])
            except emails.AddressTaken as error:
                sentence = gettext("That e-mail already has an account.")
                raise Invalid.field("email", sentence) from error

    def user_change_password(
        self, request: HttpRequest, id: str, form_url: str = ""
    ) -> HttpResponse:
        """One's own is changed where the old one is asked for."""
        if self.get_object(request, unquote(id)) == request.user:
            return redirect("account_change_password")
        return super().user_change_password(request, id, form_url)

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
        if own or not all(may_act_on(request.user, user) for user in people):
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
