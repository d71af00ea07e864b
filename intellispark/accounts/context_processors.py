"""The contact address, for pages from which people can go no further by themselves."""

from django.conf import settings
from django.http import HttpRequest


def contact(request: HttpRequest) -> dict[str, str]:
    return {"contact_email": settings.CONTACT_EMAIL}
