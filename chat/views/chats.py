"""The person's chats, newest activity first."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from chat.conversations.models import Chat
from intellispark.accounts.requests import current_user

PAGE_SIZE = 30


@require_safe
@login_required
def chats(request: HttpRequest) -> HttpResponse:
    found = Chat.objects.owned_by(current_user(request)).with_last_message()
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "chat/chats.html", {"page": page})
