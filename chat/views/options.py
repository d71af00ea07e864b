"""Renaming and deleting a chat without scripts: one page for each question."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from chat.conversations.chats import rename_chat
from chat.conversations.models import Chat
from chat.conversations.models.chat import TITLE_MAX_CHARS
from chat.replies.deletion import delete_chat
from intellispark.accounts.requests import current_user
from intellispark.api.errors import Invalid

METHODS = ["GET", "HEAD", "POST"]


class RenameForm(forms.Form):
    title = forms.CharField(label=gettext_lazy("Name"), max_length=TITLE_MAX_CHARS)


@login_required
@never_cache
@require_http_methods(METHODS)
def rename(request: HttpRequest, pk: UUID) -> HttpResponse:
    chat = _own_chat(request, pk)
    posted = request.POST if request.method == "POST" else None
    form = RenameForm(posted, initial={"title": chat.title})
    if form.is_valid():
        try:
            rename_chat(chat=chat, title=form.cleaned_data["title"])
        except Invalid:  # of the rules for titles, the form knows all but this one
            form.add_error("title", _("Write something first."))
        else:
            messages.success(request, _("The chat was renamed."))
            return redirect("chats")
    status = 422 if form.errors else 200
    return render(request, "chat/rename.html", {"chat": chat, "form": form}, status=status)


@login_required
@never_cache
@require_http_methods(METHODS)
def delete(request: HttpRequest, pk: UUID) -> HttpResponse:
    chat = _own_chat(request, pk)
    if request.method == "POST":
        delete_chat(chat=chat)
        messages.success(request, _("The chat was deleted."))
        return redirect("chats")
    return render(request, "chat/delete.html", {"chat": chat})


def _own_chat(request: HttpRequest, pk: UUID) -> Chat:
    """404 for other people's."""
    chats = Chat.objects.owned_by(current_user(request)).select_related("character")
    return get_object_or_404(chats.prefetch_related("character__texts"), pk=pk)
