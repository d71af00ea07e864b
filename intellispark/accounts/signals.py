"""What other parts may hear about accounts."""

from django.dispatch import Signal

account_closed = Signal()
"""Sent with `user` in the transaction that closes the account: whoever keeps things about the
person deletes them there. An exception keeps the account open."""
