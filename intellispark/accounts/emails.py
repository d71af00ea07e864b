"""The only writer of e-mail addresses: `User.email` and allauth's `EmailAddress`, together.

An account has one address, confirmed or not. Whoever can read its mail can set a new password, so
it changes in one way: current password, wish, a link in a mail to the new address, and only then
the new one counts. The old address is told, with a way back (docs/security.md).

Where answers must not tell who has an account, a sign-up makes an account without an address that
anybody could write to, and a wish for the one that was typed, whether it has an account or not.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from intellispark.accounts import email_links, email_messages
from intellispark.accounts.email_addresses import NOBODYS
from intellispark.accounts.locking import lock_open_account
from intellispark.accounts.models import EmailChange, User
from intellispark.accounts.tokens import sign_out_everywhere
from intellispark.api.errors import NotSignedIn
from intellispark.db import delete_in_batches
from intellispark.realtime.close_codes import CloseCode

CONFIRM_WITHIN = timedelta(days=3)
WAY_BACK_FOR = timedelta(days=7)


class AddressTaken(Exception):
    """Another account has the address, or had it until a moment ago."""


class LinkSpent(Exception):
    """The link was used, is too old, or belongs to what has changed since."""


def is_taken(email: str, *, except_user: User | None = None) -> bool:
    """Whether another account has the address, or may still take it back."""
    others = ~Q(pk=except_user.pk) if except_user else Q()
    kept = EmailChange.objects.filter(
        old_email__iexact=email, old_is_confirmed=True, confirmed_at__gt=_kept_since()
    )
    if except_user:
        kept = kept.exclude(user=except_user)
    owned = User.objects.filter(others, email__iexact=email).exists()
    return kept.exists() or owned  # both are asked, or the time would tell which


def pending_address(user: User) -> str | None:
    """The address that the person wants and has not confirmed yet."""
    wishes = EmailChange.objects.filter(user=user, confirmed_at=None)
    return wishes.filter(created_at__gt=_wished_since()).values_list("new_email", flat=True).first()


def is_confirmed(user: User) -> bool:
    own = EmailAddress.objects.filter(user=user, email__iexact=user.email)
    return bool(own.filter(verified=True).exists())


def is_read_by_owner(email: str) -> bool:
    """Whether an account has shown that it reads the mail of the address; else it may be anybody's
    who never heard of us."""
    return bool(EmailAddress.objects.filter(email=email.lower(), verified=True).exists())


def hides_accounts() -> bool:
    """Whether answers about an address are the same with and without an account: where no account
    is used before its address is confirmed, the mail can say the rest."""
    return bool(settings.ACCOUNT_EMAIL_VERIFICATION == "mandatory")


def register(user: User) -> None:
    """The first address of a new account. Other people's wishes for it are dropped: they have not
    proved anything, and could otherwise take it later."""
    if user.email:
        EmailChange.objects.filter(new_email__iexact=user.email, confirmed_at=None).delete()
        EmailAddress.objects.create(user=user, email=user.email.lower(), primary=True)


def sign_up(user: User) -> None:
    """The first address of a new account that is not saved yet: a wish until the link in the mail
    to it is followed. The account is the same whether or not another one has the address; a mail
    says which (`ask_to_confirm`). Where nobody follows it in time the account is closed.
    """
    email = user.email
    user.email, user.confirm_by = f"{user.pk.hex}@unconfirmed{NOBODYS}", _confirm_by()
    user.save()
    EmailChange.objects.create(user=user, new_email=email)


def ask_to_confirm(user: User) -> str | None:
    """Mail the address of a sign-up that is not confirmed, or the unconfirmed one of today: the
    link, or word that another account has the address. To which one; None if it had too many."""
    email = pending_address(user) if user.confirm_by else user.email
    if not email or not get_adapter().may_send(email):
        return None
    if is_taken(email, except_user=user):
        email_messages.send_taken(email)
    else:
        email_messages.send_first_confirmation(user, email)
    return email


def request_change(*, user: User, email: str) -> None:
    """The person wants that address; a mail there asks to confirm it. Replaces an earlier wish.

    The caller has checked the current password of `user`. Raises NotSignedIn when it was changed
    since, or the account closed; Suspended; AddressTaken, unless nobody is to learn who has an
    account: then the mail says it, to the one who may know.
    """
    with transaction.atomic():
        person = lock_open_account(user.pk, auth_hash=user.get_session_auth_hash())
        taken = is_taken(email, except_user=person)
        if taken and not hides_accounts():
            raise AddressTaken
        withdraw_change(user=person)
        EmailChange.objects.create(user=person, new_email=email)
        if taken:
            transaction.on_commit(lambda: email_messages.send_taken(email))
        else:
            transaction.on_commit(lambda: email_messages.send_confirmation(person, email))


def withdraw_change(*, user: User) -> None:
    """The wish is gone, and its link with it."""
    EmailChange.objects.filter(user=user, confirmed_at=None).delete()


def address_to_confirm(key: str) -> tuple[str, str] | None:
    """The address and the name of the account that the link is about; None for a spent one."""
    user_id, mark = email_links.read_confirmation(key, max_age=CONFIRM_WITHIN) or ("", "")
    user = User.objects.filter(pk=user_id, is_active=True).first() if user_id else None
    if user is None:
        return None
    own = None if user.confirm_by or is_confirmed(user) else user.email
    open_ones = [pending_address(user), own]
    for email in filter(None, open_ones):
        if email_links.mark(user, email) == mark:
            return email, user.username
    return None


def confirm(key: str) -> str:
    """The address that the link confirms: the account's own, or the one that was wished for, which
    replaces it. One transaction. Raises LinkSpent, AddressTaken, Suspended."""
    user_id, mark = email_links.read_confirmation(key, max_age=CONFIRM_WITHIN) or ("", "")
    try:
        with transaction.atomic():
            user = lock_open_account(user_id)
            if email_links.mark(user, user.email) == mark and not is_confirmed(user):
                _write(user, user.email, confirmed=True)
                return user.email
            wish = EmailChange.objects.filter(user=user, confirmed_at=None).first()
            if wish is None or email_links.mark(user, wish.new_email) != mark:
                raise LinkSpent
            if is_taken(wish.new_email, except_user=user):
                raise AddressTaken
            _replace(user, wish, confirmed=True)
            return wish.new_email
    except NotSignedIn as error:  # the account is closed
        raise LinkSpent from error
    except IntegrityError as error:  # somebody took the address in this very moment
        raise AddressTaken from error


def note_as_confirmed(user: User) -> None:
    """Whoever set a new password by a mail reads the mail of the address. Under the lock."""
    EmailAddress.objects.filter(user=user, email__iexact=user.email).update(verified=True)


def replace(*, user: User, email: str) -> None:
    """Another address at once, on an admin's word: not confirmed, and with the same way back.

    Raises AddressTaken.
    """
    try:
        with transaction.atomic():
            person = User.objects.select_for_update(no_key=True).get(pk=user.pk)
            if is_taken(email, except_user=person):
                raise AddressTaken
            withdraw_change(user=person)
            _replace(person, EmailChange(user=person, new_email=email), confirmed=False)
            transaction.on_commit(lambda: ask_to_confirm(person))
    except IntegrityError as error:
        raise AddressTaken from error
    user.email = email


def way_back(key: str) -> EmailChange:
    """The change that the link undoes. Raises LinkSpent."""
    pk = email_links.read_way_back(key, max_age=WAY_BACK_FOR)
    if pk is None:
        raise LinkSpent
    changes = EmailChange.objects.filter(confirmed_at__gt=_kept_since(), user__is_active=True)
    change = changes.select_related("user").filter(pk=pk).first()
    if change is None:
        raise LinkSpent
    return change


def restore(key: str) -> User:
    """The person, with the old address again and confirmed: the link came there. Raises LinkSpent,
    AddressTaken, Suspended.

    Nobody stays signed in and no password is left, since whoever changed the address knew it.
    What was changed later is undone as well.
    """
    found = way_back(key)
    try:
        with transaction.atomic():
            user = lock_open_account(found.user_id)
            change = EmailChange.objects.filter(pk=found.pk).first()
            if change is None:  # undone meanwhile
                raise LinkSpent
            _write(user, change.old_email, confirmed=True)
            later = Q(confirmed_at=None) | Q(confirmed_at__gte=change.confirmed_at)
            EmailChange.objects.filter(later, user=user).delete()
            user.set_unusable_password()
            user.auth_epoch += 1
            user.save(update_fields=["password", "auth_epoch"])
            sign_out_everywhere(user, CloseCode.SIGNED_OUT)
    except IntegrityError as error:
        raise AddressTaken from error
    return user


def forget(user: User) -> None:
    """No address of the person is left: the account is closed, under its lock."""
    EmailChange.objects.filter(user=user).delete()
    EmailAddress.objects.filter(user=user).delete()
    user.email = f"{user.pk.hex}@deleted{NOBODYS}"
    user.save(update_fields=["email"])


def purge() -> int:
    """Forget wishes that nobody confirmed in time, and ways back that have ended."""
    wishes = EmailChange.objects.filter(confirmed_at=None, created_at__lte=_wished_since())
    changes = EmailChange.objects.filter(confirmed_at__lte=_kept_since())
    return delete_in_batches(wishes) + delete_in_batches(changes)


def _replace(user: User, change: EmailChange, *, confirmed: bool) -> None:
    """The new address in place of the old one, which is told after the commit.

    The account's row first, as `register` writes them: the two may be after one address.
    """
    if user.confirm_by:  # it had none
        _write(user, change.new_email, confirmed=confirmed)
        withdraw_change(user=user)
        return
    change.old_email, change.confirmed_at = user.email, timezone.now()
    change.old_is_confirmed = is_confirmed(user)
    _write(user, change.new_email, confirmed=confirmed)
    change.save()
    if change.old_email:
        transaction.on_commit(lambda: email_messages.send_changed(user, change))


def _write(user: User, email: str, *, confirmed: bool) -> None:
    user.email, user.confirm_by = email, None
    user.save(update_fields=["email", "confirm_by"])
    EmailAddress.objects.filter(user=user).delete()
    EmailAddress.objects.create(user=user, email=email.lower(), primary=True, verified=confirmed)


def _confirm_by() -> datetime:
    return timezone.now() + CONFIRM_WITHIN


def _wished_since() -> datetime:
    return timezone.now() - CONFIRM_WITHIN


def _kept_since() -> datetime:
    return timezone.now() - WAY_BACK_FOR
