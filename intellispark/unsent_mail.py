"""Where mails go while no server for them is configured: nowhere.

Printing them, as in development, would put links that let people in into the log.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

logger = structlog.get_logger(__name__)


class UnsentMail(BaseEmailBackend):
    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """How many were sent: none. The log says so of each, and no more of it."""
        for _ in email_messages:
            logger.warning("mail.unsent", reason="EMAIL_URL is missing")
        return 0
