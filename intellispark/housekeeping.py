"""The work that no request triggers; `serve` runs a pass of it every ten seconds."""

from __future__ import annotations

from collections.abc import Callable

from chat.replies.recover import recover_orphans
from intellispark.accounts import closing, emails, sessions, tokens
from intellispark.api import idempotency
from payments.ledger.expiry import expire_due_wallets


def run_pass(*, sole_process: bool = False) -> dict[str, int]:
    """Run one pass; the result counts what it did, by kind. Safe to run twice at once.

    `sole_process` means that no other process serves this database and that this one has just
    started: then every running generation is an orphan, whatever its lease says. What fails keeps
    nothing else from its turn; an ExceptionGroup is raised at the end.
    """
    work: dict[str, Callable[[], int]] = {
        "generations_recovered": lambda: recover_orphans(sole_process=sole_process),
        "lots_expired": expire_due_wallets,
        "idempotency_keys_forgotten": idempotency.purge,
        "api_tokens_forgotten": tokens.purge,
        "sessions_forgotten": sessions.purge,
        "addresses_forgotten": emails.purge,
        "unconfirmed_accounts_closed": closing.close_unconfirmed,
        "closed_accounts_erased_again": closing.erase_again,
    }
    done, failures = dict.fromkeys(work, 0), []
    for kind, do in work.items():
        try:
            done[kind] = do()
        except Exception as error:
            failures.append(error)
    if failures:
        raise ExceptionGroup("Some of the housekeeping failed.", failures)
    return done
