"""The text of one running reply in memory: one writer, any number of readers from any offset."""

from __future__ import annotations

import asyncio

REPLY_MAX_CHARS = 100_000


class ReplyBuffer:
    """Grows until it is frozen; readers wait until it ends. Offsets are Unicode code points.

    Written on one loop and read on the same; `text` and `freeze` are safe from any thread.
    """

    def __init__(self) -> None:
        self.text = ""
        self.ended = False
        self._frozen = False
        self._changed = asyncio.Event()

    @property
    def is_full(self) -> bool:
        return len(self.text) >= REPLY_MAX_CHARS

    def append(self, text: str) -> None:
        if text and not self._frozen:
            self.text += text
            self._wake()

    def freeze(self) -> None:
        """From now on the text stays as it is, whatever is still under way."""
        self._frozen = True

    def end(self) -> None:
        self._frozen = self.ended = True
        self._wake()

    async def wait_beyond(self, offset: int, *, timeout: float) -> bool:
        """Until there is text after `offset` or the end; False when neither came in `timeout`."""
        try:
            async with asyncio.timeout(timeout):
                while len(self.text) <= offset and not self.ended:
                    await self._changed.wait()
        except TimeoutError:
            return False
        return True

    def _wake(self) -> None:
        # Everyone who waits is woken by the old event; who comes later waits for the next.
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
