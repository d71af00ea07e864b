"""Token families that were refused in this process.

Requests are counted before they are worked on, by the signature of their token alone. A token that
was revoked has a good signature: whoever stole it could use up what its owner may ask. So a family
that was refused once is remembered, and from then on counts for its address.
"""

from __future__ import annotations

MOST = 10_000  # the oldest are forgotten then, and cost their owner one request more


class DeadFamilies:
    """Ids of families, newest last. A dead family never comes to life again."""

    def __init__(self) -> None:
        self._ids: dict[str, None] = {}

    def add(self, family_id: str) -> None:
        self._ids[family_id] = None
        while len(self._ids) > MOST:
            self._ids.pop(next(iter(self._ids)), None)

    def __contains__(self, family_id: str) -> bool:
        return family_id in self._ids

    def clear(self) -> None:
        self._ids.clear()


dead_families = DeadFamilies()
