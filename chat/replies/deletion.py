"""Deleting chats. It is in `replies` because it settles a running reply first."""

from __future__ import annotations

from django.db import transaction

from chat.conversations import events
from chat.conversations.models import Chat
from chat.replies import running
from chat.replies.control import stop_and_wait
from chat.replies.models import Generation
from chat.replies.settle import Outcome, finish_generation
from intellispark.accounts.models import User


def delete_chat(*, chat: Chat) -> None:
    """Delete the chat with its messages, after stopping and settling a running reply.

    Whoever writes it, here or in another process, settles it first: by all that was written, which
    only the writer has, and its readers see it stop. One that still runs then (its writer hangs, or
    it started meanwhile) is settled here, under the chat's lock, by the text of its row; its writer
    does not pass the fence any more.
    """
    for generation_id in chat.generations.running().values_list("pk", flat=True):
        stop_and_wait(generation_id)
    with transaction.atomic():
        _delete(chat)


def delete_chats(*, user: User) -> None:
    """Delete all of the person's chats, in the caller's transaction.

    It tells running replies to stop but does not wait for them: they could not settle while this
    transaction holds their locks. It settles them itself, as stopped, with their text so far.
    """
    for chat in Chat.objects.owned_by(user):
        for generation_id in chat.generations.running().values_list("pk", flat=True):
            running.stop(generation_id)
        _delete(chat)


def _delete(chat: Chat) -> None:
    """Lock the chat, settle what still runs, delete. Needs a transaction."""
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
