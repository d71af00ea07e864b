"""The pages about one's e-mail address: the one place to change it, and where mails lead to."""

from __future__ import annotations

from urllib.parse import quote

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from intellispark.accounts import attempts, email_messages, emails
from intellispark.accounts.forms import ChangeEmailForm
from intellispark.accounts.models import User
from intellispark.accounts.requests import current_user


@login_required
@never_cache
@sensitive_post_parameters("current_password")
@require_http_methods(["GET", "HEAD", "POST"])
def address(request: HttpRequest) -> HttpResponse:
    """The address of today, the one that waits for its confirmation, and the form for another.

    The name of the button says what to do: `action_add`, `action_send` or `action_remove`.
    """
    user = current_user(request)
    if "action_send" in request.POST:
        return _send_again(request, user)
    if "action_remove" in request.POST:
        emails.withdraw_change(user=user)
        return redirect("account_email")
    form = ChangeEmailForm(request.POST if request.method == "POST" else None, user=user)
    if form.is_bound and form.is_valid() and form.save(request):
        messages.success(request, _("We sent an e-mail to the new address. Open the link in it."))
        return redirect("account_email")
    context = {
        "form": form,
        "pending": emails.pending_address(user),
        "is_confirmed": emails.is_confirmed(user),
    }
    status = 422 if form.errors else 200
    return render(request, "account/email_change.html", context, status=status)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, key: str) -> HttpResponse:
    """Where the mail to a new address leads. A click of the person confirms, no mere visit."""
    if request.method != "POST":
        asked = emails.address_to_confirm(key)
        context = {"asked": asked, "spent": asked is None}
        return render(request, "account/email_confirm.html", context, status=200 if asked else 404)
    try:
        confirmed = emails.confirm(key)
    except emails.LinkSpent:
        return render(request, "account/email_confirm.html", {"spent": True}, status=404)
    except emails.AddressTaken:
        return render(request, "account/email_confirm.html", {"taken": True}, status=409)
    messages.success(request, _("%(email)s is confirmed.") % {"email": confirmed})
    return redirect("settings" if request.user.is_authenticated else "account_login")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def restore(request: HttpRequest, key: str) -> HttpResponse:
    """Where the mail to an old address leads: back to it, and on to a new password."""
    try:
        if request.method != "POST":
            context = {"change": emails.way_back(key)}
            return render(request, "account/email_restore.html", context)
        user = emails.restore(key)
    except emails.LinkSpent:
        return render(request, "account/email_restore.html", {"spent": True}, status=404)
    except emails.AddressTaken:
        return render(request, "account/email_restore.html", {"taken": True}, status=409)
    reset = f"{user_pk_to_url_str(user)}-{default_token_generator.make_token(user)}"
    path = reverse("account_reset_password_from_key", kwargs={"uidb36": "UID", "key": "KEY"})
    return redirect(path.replace("UID-KEY", quote(reset)))


def _send_again(request: HttpRequest, user: User) -> HttpResponse:
    """The link once more: for the address that is wished for, else for the one of today."""
    pending = emails.pending_address(user)
    if pending or not emails.is_confirmed(user):
        email = pending or user.email
        attempts.count_mail(request, email)
        if emails.is_taken(email, except_user=user):
            email_messages.send_taken(email)
        else:
            email_messages.send_confirmation(user, email)
        messages.success(request, _("We sent the e-mail again."))
    return redirect("account_email")
