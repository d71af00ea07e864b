"""Deleting chats: a running reply is stopped and settled first."""

from __future__ import annotations

from django.db import transaction

from chat.conversations import events
from chat.conversations.models import Chat
from chat.replies import running
from chat.replies.models import Generation
from chat.replies.settle import Outcome, finish_generation
from intellispark.accounts.models import User


def delete_chat(*, chat: Chat) -> None:
    """Gone with its messages; a running reply is stopped and settled first.

    A run of this process settles itself, so that whoever watches sees it stop. What still runs
    then (in another process, or begun meanwhile) is settled here, under the chat's lock; its
    writer finds the fence closed.
    """
    for generation_id in chat.generations.running().values_list("pk", flat=True):
        running.stop_and_wait(generation_id)
    with transaction.atomic():
        _delete(chat)


def delete_chats(*, user: User) -> None:
    """All of the person's chats are gone, in the caller's transaction.

    Running replies are told to stop, but nothing waits for them here: they could not settle while
    this transaction holds what they need. They are settled as stopped where they stand.
    """
    for chat in Chat.objects.owned_by(user):
        for generation_id in chat.generations.running().values_list("pk", flat=True):
            running.stop(generation_id)
        _delete(chat)


def _delete(chat: Chat) -> None:
    """Settle what still runs, under the chat's lock, and delete. Needs a transaction."""
    if not Chat.objects.select_for_update(no_key=True).filter(pk=chat.pk).exists():
        return
    for generation_id in chat.generations.running().values_list("pk", flat=True):
        finish_generation(
            generation_id=generation_id,
            chat_id=chat.pk,
            outcome=Outcome(
                Generation.Status.STOPPED, running.text_so_far(generation_id), estimated=True
            ),
        )
    events.chat_deleted(user_id=chat.user_id, chat_id=chat.pk)
    chat.delete()
