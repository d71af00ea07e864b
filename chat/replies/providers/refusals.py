"""A server's refusal, in whatever form it comes: what it means, and whether to ask again.

By status where there is one; by the error's code and words where servers give nothing better.
"""

from __future__ import annotations

import errno
import json
import math
import random
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from chat.errors import (
    ContentFiltered,
    ProviderFailed,
    ProviderTimeout,
    ProviderUnavailable,
    ReplyError,
)

ATTEMPTS = 3
RETRY_STATUSES = {408, 409, 429}  # and every 5xx
RETRY_AFTER_MAX_SECS = 10  # a longer wait is the user's to decide
WAIT_MAX_SECS = 3_600  # what a server may ask our users to wait
WAIT_DEFAULT_SECS = 30
SAID_MAX_CHARS = 20_000

CODE = re.compile(r"[a-z_]{1,40}")

# The account and the model are ours: what is wrong with them is no business of the user's.
UNAVAILABLE = {401, 402, 403, 404, 429, 503, 529}
NOT_ABOUT_LENGTH = {401, 402, 403, 404, 429}
STATUS_BY_WORD = {"rate_limit": 429, "resource_exhausted": 429, "overloaded": 529}
TOO_LONG = re.compile(
    r"context_length_exceeded|exceed_context_size|context[ _-]?(?:length|window|size)"
    r"|maximum (?:prompt|input|sequence) length|(?:prompt|input|message)s? (?:is|are) too long"
    r"|input length exceeds|too many (?:input |prompt )?tokens|reduce the length"
    r"|tokens?\b.{0,80}\bexceeds?\b.{0,40}\b(?:max|limit)|exceeds?\b.{0,60}\b(?:number of tokens"
    r"|token limit|max_model_len|max_seq_len)",
    re.DOTALL,
)
FILTERED = re.compile(
    r"content_filter|content_policy_violation|content management policy|moderation_blocked"
)
SYSTEM_ROLE = re.compile(
    r"\b(?:system|developer)\b[^.]{0,80}(?:\bnot\b|n't\b|unsupported|invalid|unexpected)"
    r"|(?:not supported|unsupported|invalid|unexpected|unknown)\b[^.]{0,60}\b(?:system|developer)"
    r"|must alternate|only ['\"]?user['\"]? and ['\"]?(?:assistant|model)|valid role"
)


class Refused(Exception):
    """Status 0 stands for an error in a stream that names none; `said` is what it says.

    That is read here and kept nowhere: servers quote the message, and the key that they refuse. As
    text the exception is the status and `why`, by default the code of the error.
    """

    def __init__(
        self,
        status: int,
        said: str,
        headers: Mapping[str, str] | None = None,
        *,
        why: str = "",
    ) -> None:
        super().__init__(f"{status} {why or _code(said)}".strip())
        self.status = status
        self.asked_secs = _asked_secs(headers or {})
        self._said = said[:SAID_MAX_CHARS].lower()

    @classmethod
    def in_stream(cls, error: object) -> Refused:
        """That of an `error` in a body whose HTTP status was 200."""
        said = json.dumps(error, ensure_ascii=False)
        code = error.get("code") if isinstance(error, dict) else None
        if isinstance(code, str) and code.isascii() and code.isdigit():
            code = int(code[:4])
        if not isinstance(code, int) or isinstance(code, bool):
            words = (status for word, status in STATUS_BY_WORD.items() if word in said.lower())
            code = next(words, 0)
        return cls(code, said)

    @property
    def names_stream_options(self) -> bool:
        return self.status in (400, 422) and "stream_options" in self._said

    @property
    def is_too_long(self) -> bool:
        """The conversation does not fit into the model's context."""
        if self.status in NOT_ABOUT_LENGTH:
            return False
        return self.status == 413 or TOO_LONG.search(self._said) is not None

    @property
    def refuses_system_role(self) -> bool:
        asked = self.status in (0, 400, 422) or self.status >= 500  # templates raise, servers crash
        return asked and SYSTEM_ROLE.search(self._said) is not None

    def retry_secs(self, attempt: int) -> float | None:
        """How long to wait before the next attempt; None when there should be none."""
        again = self.status in RETRY_STATUSES or self.status >= 500
        if attempt >= ATTEMPTS or not again or self._is_out_of_credit:
            return None
        if self.asked_secs is None:
            return backoff_secs(attempt)
        return self.asked_secs if self.asked_secs <= RETRY_AFTER_MAX_SECS else None

    def error(self) -> ReplyError:
        """What it means to the user."""
        if FILTERED.search(self._said):
            return ContentFiltered()
        if self.status in (408, 504):
            return ProviderTimeout()
        if self.status in UNAVAILABLE or self._is_out_of_credit:
            wait = WAIT_DEFAULT_SECS if self.asked_secs is None else math.ceil(self.asked_secs)
            return ProviderUnavailable(retry_after=max(1, wait))
        return ProviderFailed()

    @property
    def _is_out_of_credit(self) -> bool:
        return "insufficient_quota" in self._said


def loggable(code: object) -> str:
    """A server's code, if it is no more than that: one word of small letters; else nothing."""
    word = code.lower() if isinstance(code, str) else ""
    return word if CODE.fullmatch(word) else ""


def why_not(error: BaseException) -> str:
    """What kept us from a server's answer: its kind, not its words, which may be the server's."""
    number = error.errno if isinstance(error, OSError) else None
    return f"{type(error).__name__} {errno.errorcode.get(number or 0, '')}".strip()


def _code(said: str) -> str:
    """The error's code or type in that answer, where it has one that may be kept."""
    try:
        found = json.loads(said)
    except (ValueError, RecursionError):
        return ""
    if isinstance(found, list) and found:
        found = found[0]
    if isinstance(found, dict) and isinstance(found.get("error"), dict):
        found = found["error"]
    if not isinstance(found, dict):
        return ""
    return next(
        filter(None, (loggable(found.get(name)) for name in ("code", "type", "status"))), ""
    )


def backoff_secs(attempt: int) -> float:
    return 0.5 * 2.0 ** (attempt - 1) * random.uniform(0.8, 1.2)  # noqa: S311


def _asked_secs(headers: Mapping[str, str]) -> float | None:
    """What `Retry-After` asks for, in seconds or as a date (RFC 9110, section 10.2.3); None for
    nonsense."""
    raw = headers.get("Retry-After", "").strip()
    try:
        secs = float(raw)
    except ValueError:
        secs = _secs_until(raw)
    return min(max(0.0, secs), WAIT_MAX_SECS) if math.isfinite(secs) else None


def _secs_until(date: str) -> float:
    try:
        at = parsedate_to_datetime(date)
    except (ValueError, TypeError, OverflowError):
        return math.nan
    return (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
