"""Signals about accounts, for apps that accounts must not import."""

from django.dispatch import Signal

account_closed = Signal()
"""Sent with `user` inside the transaction that closes the account. Receivers delete what they store
about the person. When one raises, the account stays open."""
