"""What a compatible server is asked, and how it is asked again when it refuses a part of that."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from chat.errors import MessageTooLong
from chat.replies.providers.base import Turn
from chat.replies.providers.refusals import Refused
from chat.replies.providers.turns import chat_messages, without_oldest


@dataclass(frozen=True)
class Ask:
    """One request. Only what is set is sent: some servers refuse parameters that they do not know,
    even at zero."""

    model: str
    system: str
    turns: list[Turn]
    stream_options: bool = True
    system_apart: bool = True

    def body(self) -> bytes:
        """The JSON of the request."""
        messages = chat_messages(
            system=self.system, turns=self.turns, system_apart=self.system_apart
        )
        body = {"model": self.model, "messages": messages, "stream": True}
        if self.stream_options:
            body["stream_options"] = {"include_usage": True}
        return json.dumps(body, ensure_ascii=False).encode()

    def adapted_to(self, refused: Refused) -> Ask | None:
        """The request without what was refused; None where nothing can be left out.

        A conversation that does not fit loses its oldest turns, whole ones; the character's prompt
        and the last message stay. Raises MessageTooLong when these alone do not fit. Ends, because
        each time there is less to leave out.
        """
        if self.stream_options and refused.names_stream_options:
            return replace(self, stream_options=False)
        if refused.is_too_long:
            turns = without_oldest(self.turns)
            if len(turns) == len(self.turns):
                raise MessageTooLong from refused
            return replace(self, turns=turns)
        if self.system and self.system_apart and refused.refuses_system_role:
            return replace(self, system_apart=False)
        return None
