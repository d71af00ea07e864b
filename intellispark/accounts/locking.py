"""The rule for every write of personal data: the person's row is locked, and the account open.

Closing an account holds the lock from its first statement to its commit, so whoever writes comes
before it, and is erased by it, or after it, and is refused here. What hangs on a row that closing
deletes anyway (a chat) locks that row instead.

The person comes first of all locks. PostgreSQL also locks the row, weakly, for each new row that
refers to the person, and does so as late as the commit: whoever writes such a row asks here first,
or would hold a chat while waiting for a closing account, which waits for the chat. Whoever changes
what is unique about the person (the name) takes the full lock at once, which waits for those rows:
asked for half way, it would wait for somebody who waits for us.
"""

from __future__ import annotations

from uuid import UUID

from intellispark.accounts.models import User
from intellispark.api.errors import NotSignedIn, Suspended


def lock_open_account(
    user_id: object, *, auth_hash: str | None = None, renames: bool = False
) -> User:
    """The person as they are now, locked until the transaction ends. One query.

    Raises NotSignedIn where there is no such person or the account is closed, and Suspended.
    With `auth_hash` (a `get_session_auth_hash()` read before) also NotSignedIn when the password
    was changed since: what was proved by the old one is not proved any more. `renames` says that
    the name may change.
    """
    try:
        rows = User.objects.filter(pk=UUID(str(user_id)))
    except ValueError as error:
        raise NotSignedIn from error
    user = rows.select_for_update(no_key=not renames).first()
    if user is None or not user.is_active:
        raise NotSignedIn
    if user.is_suspended:
        raise Suspended
    if auth_hash is not None and not user.has_issued(auth_hash):
        raise NotSignedIn
    return user
