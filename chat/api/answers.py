"""The JSON about a generation: its state, its end, the balance after it."""

from __future__ import annotations

from chat.api.serializers import MessageSerializer, receipt_of
from chat.replies.models import Generation
from intellispark.api.errors import DomainError
from intellispark.api.times import isoformat
from intellispark.threads import in_thread
from payments.ledger.balance import Balance, balance_after, snapshot

_serializer = MessageSerializer()  # its fields are made once: that costs more than to use them


def state_of(generation: Generation) -> dict[str, object]:
    """The generation as `GET /api/generations/{id}` shows it."""
    error = generation.error
    return {
        "id": str(generation.pk),
        "chat_id": str(generation.chat_id),
        "status": generation.status,
        "model": generation.model,
        "price_tokens": generation.price_tokens,
        "message": message_of(generation),
        "receipt": receipt_of(generation),
        "error": error_body(error) if error else None,
        "created_at": isoformat(generation.created_at),
        "finished_at": isoformat(generation.finished_at) if generation.finished_at else None,
    }


async def ending_of(generation: Generation) -> dict[str, object]:
    """`{message, receipt, balance}` of a finished generation."""
    return {
        "message": message_of(generation),
        "receipt": receipt_of(generation),
        "balance": await balance_of(generation),
    }


def message_of(generation: Generation) -> dict[str, object] | None:
    message = generation.message
    return dict(_serializer.to_representation(message)) if message else None


async def balance_of(generation: Generation) -> Balance:
    """The balance right after the generation's last entry: the same in every answer."""
    if generation.hold is None or generation.is_running:
        return await balance_at_start(generation)
    return balance_after(generation.hold.resolution)


async def balance_at_start(generation: Generation) -> Balance:
    """The balance right after the hold."""
    if generation.hold is None:  # a free model moved nothing
        return await in_thread(snapshot)(generation.user_id)
    return balance_after(generation.hold)


def error_body(error: DomainError) -> dict[str, object]:
    """`{code, detail, retry_after?}`, in the reader's language."""
    body: dict[str, object] = {"code": error.code, "detail": str(error.detail)}
    if error.retry_after is not None:
        body["retry_after"] = error.retry_after
    return body
