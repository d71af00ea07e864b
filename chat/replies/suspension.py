"""What suspending a person does to their replies."""

from __future__ import annotations

from chat.replies import running
from chat.replies.models import Generation
from chat.replies.settle import Outcome, finish_generation
from intellispark.accounts.models import User


def interrupt_replies(*, user: User) -> None:
    """Settle all running replies of the person as interrupted: nothing is charged, the text so far
    is kept.

    In the caller's transaction, which holds the person's lock, so none begins meanwhile. What
    another process writes is settled here too; its writer does not pass the fence any more.
    """
    running_now = Generation.objects.owned_by(user).running().order_by("chat_id")
    for generation_id, chat_id in running_now.values_list("pk", "chat_id"):
        running.interrupt(generation_id)
        finish_generation(
            generation_id=generation_id,
            chat_id=chat_id,
            outcome=Outcome(
                Generation.Status.INTERRUPTED,
                running.text_so_far(generation_id),
                error_code="interrupted",
                estimated=True,
            ),
        )
