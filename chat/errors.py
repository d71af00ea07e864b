"""What chats and replies refuse, with the codes that clients see."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from intellispark.api.errors import DomainError
from intellispark.text import StrOrPromise


class NothingToAnswer(DomainError):
    """The last message is not the user's, or it has a reply already."""

    code = "nothing_to_answer"
    status = 422
    detail = _("There is no message to reply to.")


class GenerationInProgress(DomainError):
    """The chat has a running reply. Data: `generation_id`, to follow or to stop it."""

    code = "generation_in_progress"
    status = 409
    detail = _("A reply is already being written in this chat.")


class TooManyStreams(DomainError):
    """The person opened more streams than they may have: the oldest ended. Its reply goes on."""

    code = "too_many_streams"
    status = 429
    detail = _("Too many replies are open at once. This one goes on; open it again to follow it.")


class ReplyError(DomainError):
    """There is no whole reply. Nothing was charged.

    What the model's server said stays in the log: it may name our account.
    """


class ProviderFailed(ReplyError):
    """The model's server broke off, or sent something that is not a reply."""

    code = "provider_failed"
    status = 502
    detail = _("The reply could not be written. Nothing was charged; please try again.")


class EmptyReply(ProviderFailed):
    """The model ended without one visible character."""

    detail = _("The reply came back empty. Nothing was charged; please try again.")


class ProviderUnavailable(ReplyError):
    """The model's server cannot be reached, is overloaded, or refuses our account."""

    code = "provider_unavailable"
    status = 503
    detail = _("The characters are busy right now. Nothing was charged; please try again soon.")


class ProviderTimeout(ReplyError):
    """The first token, the next one, or the whole reply took too long."""

    code = "provider_timeout"
    status = 504
    detail = _("The reply took too long. Nothing was charged; please try again.")


class ContentFiltered(ReplyError):
    """The model's content filter refused the conversation, or stopped the reply."""

    code = "content_filtered"
    status = 422
    detail = _("The content filter stopped this reply. Nothing was charged; try other words.")


class MessageTooLong(ReplyError):
    """Not even the last message fits into the model's context."""

    code = "message_too_long"
    status = 422
    detail = _("This message is too long for the model. Nothing was charged; please shorten it.")


class ReplyInterrupted(ReplyError):
    """The process that wrote the reply ended before the reply did."""

    code = "interrupted"
    status = 503
    detail = _("The reply was interrupted. Nothing was charged; please try again.")

    def __init__(
        self,
        detail: StrOrPromise | None = None,
        *,
        retry_after: int | None = None,
        **data: object,
    ) -> None:
        super().__init__(detail, retry_after=retry_after or 5, **data)


REPLY_ERRORS: dict[str, type[ReplyError]] = {
    error.code: error
    for error in (
        ProviderFailed,
        ProviderUnavailable,
        ProviderTimeout,
        ContentFiltered,
        MessageTooLong,
        ReplyInterrupted,
    )
}
