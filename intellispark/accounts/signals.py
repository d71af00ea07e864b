"""Signals about accounts, for apps that accounts must not import."""

from django.dispatch import Signal

account_closed = Signal()
"""Sent with `user` inside the transaction that closes the account. Receivers delete what they store
about the person. When one raises, the account stays open."""

account_suspended = Signal()
"""Sent with `user` inside the transaction that suspends the person, or saves somebody suspended.
Receivers end what they still do for the person. When one raises, nothing is saved."""
