"""Pages about your own account: sign-up, settings, language."""

from __future__ import annotations

from allauth.account.views import SignupView as AllauthSignupView
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from intellispark.accounts import emails
from intellispark.accounts.closing import close_account
from intellispark.accounts.forms import (
    CloseAccountForm,
    ProfileForm,
    SignupForm,
    Taken,
    language_choices,
)
from intellispark.accounts.locking import lock_open_account
from intellispark.accounts.models import User
from intellispark.accounts.requests import current_user


class SignupView(AllauthSignupView):
    """allauth's page; when two people want the same name at once, the second one reads why not."""

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        context: dict[str, object] = super().get_context_data(**kwargs)
        return {**context, "welcome_tokens": settings.WELCOME_TOKENS}

    def form_valid(self, form: SignupForm) -> HttpResponse:
        try:
            response: HttpResponse = super().form_valid(form)
        except Taken as error:
            form.add_taken_errors(error)
            response = self.form_invalid(form)
        return response


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """Name and language; and the way out. The form's `action` says which.

    The address has a page of its own (`email_pages.py`).
    """
    user = current_user(request)
    closing = request.method == "POST" and request.POST.get("action") == "close"
    form = ProfileForm(
        request.POST if request.method == "POST" and not closing else None,
        instance=User.objects.get(pk=user.pk),  # a copy: the nav must not show a refused name
    )
    close_form = CloseAccountForm(request.POST if closing else None, user=user)
    if closing and close_form.is_valid():
        return _close(request, user)
    if form.is_bound and form.is_valid():
        try:
            saved = form.save_profile()
        except Taken as error:
            form.add_taken_errors(error)
        else:
            translation.activate(saved.language or translation.get_language_from_request(request))
            messages.success(request, _("Your settings are saved."))
            return redirect("settings")
    status = 422 if form.errors or close_form.errors else 200
    context = {
        "form": form,
        "close_form": close_form,
        "pending_email": emails.pending_address(user),
    }
    return render(request, "accounts/settings.html", context, status=status)


@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    """Store the language in the account and in this browser, and go back to the page."""
    code = request.POST.get("language", "")
    response = HttpResponseRedirect(_back(request))
    if code in language_choices():
        if isinstance(request.user, User):
            _keep_language(request.user, code)
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            code,
            max_age=365 * 24 * 3600,
            samesite="Lax",
            secure=settings.SESSION_COOKIE_SECURE,
        )
    return response


def _keep_language(user: User, code: str) -> None:
    with transaction.atomic():
        person = lock_open_account(user.pk)
        person.language = code
        person.save(update_fields=["language"])


def _close(request: HttpRequest, user: User) -> HttpResponse:
    close_account(user=user, auth_hash=user.get_session_auth_hash())
    logout(request)
    messages.success(request, _("Your account is closed. Thank you for being here."))
    return redirect("home")


def _back(request: HttpRequest) -> str:
    for target in (request.POST.get("next", ""), request.META.get("HTTP_REFERER", "")):
        if target and url_has_allowed_host_and_scheme(
            target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
        ):
            return target
    return "/"
