"""`/ws/balance/`: the socket behind every balance on every page."""

from __future__ import annotations

from intellispark.accounts.sockets import authenticate
from intellispark.realtime.dataloader import DataLoader
from intellispark.realtime.sockets import UserSocket
from payments.live.frames import first_frames


class BalanceSocket(UserSocket):
    """Sends `balance.snapshot` first; then balances, other events and beacons. See
    docs/realtime.md."""

    authenticate = staticmethod(authenticate)
    first_frame = DataLoader(first_frames)
