"""The model behind the pages of the browser tests: what it is told decides what it says.

Nothing that it says takes time. Where a test has to see a reply growing, the reply waits for
`model.go_on()`, or goes on until it is stopped.
"""

from __future__ import annotations

from typing import Any

from tests.support.openai_peer import (
    DONE,
    HOLD,
    PAUSE,
    Answer,
    Peer,
    Request,
    chunk,
    refusal,
    reply,
)

WORDS = [f"word{number}" for number in range(60)]
LONG = " ".join(WORDS)


def words(first: int, last: int) -> list[bytes]:
    return [chunk(f"{word} ") for word in WORDS[first:last]]


def whole(*parts: Any) -> Answer:
    return Answer([*parts, chunk(finish="stop"), DONE])


def pieces(text: str, chars: int = 6) -> Answer:
    return reply(*(text[start : start + chars] for start in range(0, len(text), chars)))


# The first whose words are part of the message.
SAYS = {
    "please fail": refusal(500, **{"Retry-After": "0"}),
    "break off": Answer(words(0, 5), cut=True),
    "at length": Answer([*words(0, 5), HOLD]),
    "slowly": whole(*words(0, 30), PAUSE, *words(30, 50), PAUSE, *words(50, 60)),
    "evil": pieces(
        'Look: <img src=x onerror="window.hacked=1"> and [this](javascript:window.hacked=1)'
        " **bold**"
    ),
    "think aloud": whole(
        chunk("Secret plan, not for anybody.\n"), PAUSE, chunk("</think>\n\nHello, **you** there.")
    ),
    "both ways": pieces("**“你好”**然后\n\nשלום עולם\n\n- one\n- שתיים\n\n```\nx\n```"),
    "code": pieces("So:\n\n```python\nprint(1)\n```"),
    "": pieces("Nice to meet you."),
}


class Model(Peer):
    def answer_to(self, request: Request) -> Answer:
        said = request.body["messages"][-1]["content"]
        return next(answer for part, answer in SAYS.items() if part in said)
