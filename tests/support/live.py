"""What a person's open pages are to show, whatever befalls servers and Redis."""

from __future__ import annotations

import asyncio
import time
from itertools import count

from asgiref.sync import sync_to_async

from intellispark.accounts.models import User
from payments.ledger import operations as ledger
from payments.models import Wallet
from tests.support.pages import Page
from tests.support.redis import RedisServer

PATIENCE_SECS = 60  # for a machine that does other things too


async def spend(user: User, key: str) -> float:
    """How long the spend took."""
    began = time.monotonic()
    await sync_to_async(ledger.spend)(
        wallet_id=user.pk, tokens=1, key=key, op=f"{user.username}:{key}", description=user.username
    )
    return time.monotonic() - began


async def version_of(user: User) -> int:
    return (await Wallet.objects.aget(pk=user.pk)).version


async def all_right(user: User, pages: list[Page], secs: float) -> None:
    """Every page knows the database's version within `secs`: by a frame, or by a beacon."""
    version = await version_of(user)
    for page in pages:
        await page.until(lambda page=page: page.version == version, secs)


async def heard_again(user: User, pages: list[Page]) -> None:
    """Changes arrive by themselves again: of those that are made from now on, one is heard as a
    frame by every page. (A beacon names no operations.)"""
    deadline = time.monotonic() + PATIENCE_SECS
    for number in count():
        await spend(user, f"after-{number}")
        await asyncio.sleep(0.5)
        if all(any("after" in op for op in ops_of(page)) for page in pages):
            return
        assert time.monotonic() < deadline, "nothing is heard any more"


def ops_of(page: Page) -> list[str]:
    return [op for frame in page.frames for op in frame.get("ops", [])]


def kinds_of(page: Page) -> list[str]:
    return [frame["type"] for frame in page.frames]


async def subscribed(redis: RedisServer, group: str, processes: int) -> None:
    """Wait until so many processes listen for what is sent to the group."""
    topic = f"intellispark:group:{group}"
    async with asyncio.timeout(PATIENCE_SECS):
        while dict(redis.client().pubsub_numsub(topic))[topic.encode()] < processes:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
