"""The ledger once more, as plain Python: every token is a thing of its own.

It shares no code with `payments` and takes no short cuts: a lot is the tokens that bear its name.
The state machine in tests/payments/ledger/test_machine.py holds the real ledger against it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

NEVER = 10**9


class Refused(Exception):
    """The operation must be refused, with the error of that name."""


class Token(NamedTuple):
    """One token. They sort in the order in which they are taken."""

    expires_on: int
    lot: int  # the version of the entry that brought it


class Line(NamedTuple):
    """One entry as it must stand in the book."""

    kind: str
    amount: int
    held_change: int
    balance_after: int
    held_after: int


@dataclass
class Hold:
    tokens: list[Token]
    is_open: bool = True


@dataclass
class PlainLedger:
    """One wallet. Days pass only by `today`."""

    today: int = 0
    lines: list[Line] = field(default_factory=list)
    free: list[Token] = field(default_factory=list)
    holds: dict[int, Hold] = field(default_factory=dict)
    owed: int = 0

    @property
    def balance(self) -> int:
        return self.lines[-1].balance_after if self.lines else 0

    @property
    def held(self) -> int:
        return self.lines[-1].held_after if self.lines else 0

    def credit(self, kind: str, tokens: int, days: int | None = None) -> None:
        version = self._write(kind, tokens)
        expires_on = NEVER if days is None else self.today + days
        self._give([Token(expires_on, version)] * tokens)

    def debit(self, kind: str, tokens: int) -> None:
        self.expire()
        self._need(tokens)
        self._take(tokens)
        self._write(kind, -tokens)

    def clawback(self, tokens: int) -> None:
        self.expire()
        kept = max(0, len(self.free) - tokens)
        self.owed += max(0, tokens - len(self.free))
        self.free = sorted(self.free)[:kept]
        self._write("clawback", -tokens)

    def write_off(self, tokens: int) -> None:
        if tokens > self.owed:
            raise Refused("InvariantViolated")
        self.owed -= tokens
        self._write("write_off", tokens)

    def hold(self, tokens: int) -> None:
        self.expire()
        self._need(tokens)
        taken = self._take(tokens)
        self.holds[self._write("hold", 0, tokens)] = Hold(taken)

    def resolve(self, hold: int, tokens: int) -> None:
        """A capture of so many tokens; of none: a release."""
        held = self.holds[hold]
        if not held.is_open:
            raise Refused("HoldResolved")
        if tokens > len(held.tokens):
            raise Refused("InvariantViolated")
        held.is_open = False
        self._write("capture" if tokens else "release", -tokens, -len(held.tokens))
        self._give(held.tokens[tokens:])

    def expire(self) -> None:
        """Every lot past its date loses what is free of it, by one entry a lot."""
        due = sorted(token for token in self.free if token.expires_on <= self.today)
        self.free = [token for token in self.free if token.expires_on > self.today]
        for _, tokens in groupby(due):
            self._write("expiry", -len(list(tokens)))

    def _need(self, tokens: int) -> None:
        if self.owed or tokens > len(self.free):
            raise Refused("InsufficientTokens")

    def _take(self, tokens: int) -> list[Token]:
        order = sorted(self.free)
        self.free = order[tokens:]
        return order[:tokens]

    def _give(self, tokens: list[Token]) -> None:
        paid = min(self.owed, len(tokens))
        self.owed -= paid
        self.free += tokens[paid:]

    def _write(self, kind: str, amount: int, held_change: int = 0) -> int:
        after = (self.balance + amount, self.held + held_change)
        self.lines.append(Line(kind, amount, held_change, *after))
        return len(self.lines)
