"""Who may act on whose account.

A permission says what staff may do; this says to whom. Whoever could set the password of somebody
with more rights would have those rights, so nobody acts on an account whose rights are not a subset
of their own, and accounts of staff belong to superusers.
"""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser

from intellispark.accounts.models import User


def may_act_on(actor: User | AnonymousUser, person: User) -> bool:
    """Whether `actor` may change that account, its credentials or its tokens, given the permission.

    Oneself counts as staff: one's own password, address and tokens are not changed in the admin,
    except by superusers, who may act on everybody's tokens and access.
    """
    if not isinstance(actor, User) or not actor.is_active or actor.is_suspended:
        return False
    if actor.is_superuser:
        return True
    if person.is_staff or person.is_superuser or actor.pk == person.pk:
        return False
    return person.get_all_permissions() <= actor.get_all_permissions()
