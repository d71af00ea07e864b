"""The text of one running reply in memory, for one writer and any number of readers."""

from __future__ import annotations

import asyncio

REPLY_MAX_CHARS = 100_000


class ReplyBuffer:
    """Grows until it is frozen; readers follow it until it ends. Offsets are Unicode code points.

    `revision` counts how often all of the text was replaced. Writer and readers share one loop;
    `text` and `freeze` are safe from any thread.
    """

    def __init__(self) -> None:
        self.text = ""
        self.revision = 0
        self.ended = False
        self._frozen = False
        self._changed = asyncio.Event()

    @property
    def is_full(self) -> bool:
        return len(self.text) >= REPLY_MAX_CHARS

    def append(self, text: str) -> None:
        """As much of it as fits."""
        if text and not self._frozen:
            self.text += text[: REPLY_MAX_CHARS - len(self.text)]
            self._wake()

    def replace(self, text: str) -> None:
        """What was there was not meant for readers."""
        if not self._frozen:
            self.text, self.revision = text[:REPLY_MAX_CHARS], self.revision + 1
            self._wake()

    def freeze(self) -> None:
        """Ignore every later `append`."""
        self._frozen = True

    def end(self) -> None:
        self._frozen = self.ended = True
        self._wake()

    async def wait_beyond(self, offset: int, *, revision: int, timeout: float) -> bool:
        """Wait for text after `offset`, another revision, or the end; False if none of them comes
        in `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):
                while len(self.text) <= offset and self.revision == revision and not self.ended:
                    await self._changed.wait()
        except TimeoutError:
            return False
        return True

    def _wake(self) -> None:
        # The old event wakes all who wait; whoever comes later waits for the new one.
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
