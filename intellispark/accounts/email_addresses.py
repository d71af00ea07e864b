"""The one form of an e-mail address."""

from __future__ import annotations

import unicodedata

import idna
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator

ADDRESS_MAX_CHARS = 254  # of the columns, and of RFC 5321
NOBODYS = ".invalid"  # domains that nobody can have (RFC 2606): accounts without an address

_is_address = EmailValidator(allowlist=["localhost"] if settings.DEBUG else [])


class NotAnAddress(ValueError):
    """Letters outside ASCII or quotes before the @, or a domain that is none."""


def clean_address(email: str) -> str:
    """The one way in which an address is stored, looked up, counted and mailed: lower case, one
    form of each letter, the domain in ASCII (IDNA 2008, mapped by Unicode Technical Standard 46).

    Raises NotAnAddress: two addresses that are written alike must not be two accounts, and one
    mailbox must not have two addresses. So the name may not be quoted, and numbers are no domain.
    """
    name, _, domain = email.strip().rpartition("@")
    try:
        ascii_domain = idna.encode(domain, uts46=True).decode()
        address = f"{unicodedata.normalize('NFKC', name).lower()}@{ascii_domain}"
        _is_address(address)
    except (idna.IDNAError, ValidationError) as error:
        raise NotAnAddress(email) from error
    if '"' in address or not address.isascii() or len(address) > ADDRESS_MAX_CHARS:
        raise NotAnAddress(email)
    if ascii_domain.rpartition(".")[2].isdigit() or address.endswith(NOBODYS):
        raise NotAnAddress(email)
    return address
