"""Takes the README's screenshots from the running app: `make screenshots`."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support.server import ROOT

FOLDER = ROOT / "docs" / "screenshots"
DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
QUESTION = "I was told there is a shortcut past the frozen shrine. Is it true?"


def prepare() -> None:
    """A fresh database with the starter characters, before Django reads its settings."""
    folder = tempfile.mkdtemp()
    os.environ.update(
        DJANGO_SETTINGS_MODULE="intellispark.settings",
        DATABASE_URL=f"sqlite:///{folder}/screenshots.sqlite3",
        REDIS_URL="",
        DEBUG="1",
        AI_PROVIDER="demo",
        DJANGO_ALLOW_ASYNC_UNSAFE="true",
    )
    for command in ("migrate", "load_characters"):
        subprocess.run([sys.executable, "manage.py", command, "-v0"], cwd=ROOT, check=True)
    import django

    django.setup()


def take() -> None:
    from django.conf import settings
    from django.test import Client
    from playwright.sync_api import Page, sync_playwright

    from chat.conversations.chats import create_chat
    from chat.models import Character
    from payments.ledger import operations as ledger
    from tests.e2e.conftest import FLAGS
    from tests.support.engines import chromium_path
    from tests.support.factories import make_user
    from tests.support.server import Server

    user = make_user("mika")
    ledger.purchase(
        wallet_id=user.pk, tokens=100, key="shots", description="Starter", reference="starter"
    )
    for slug in ("detective-okafor", "professor-quill", "yuki-snow-inn"):
        chat = create_chat(user=user, character_id=Character.objects.get(slug=slug).pk)
    client = Client()
    client.force_login(user)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    FOLDER.mkdir(parents=True, exist_ok=True)

    with Server(DJANGO_SETTINGS_MODULE="intellispark.settings") as server, sync_playwright() as pw:
        browser = pw.chromium.launch(executable_path=chromium_path(whole=True), args=FLAGS)

        def page(size: dict, scheme: str, *, signed_in: bool = True, locale: str = "en") -> Page:
            context = browser.new_context(
                viewport=size,
                color_scheme=scheme,
                base_url=server.url,
                locale=locale,
                reduced_motion="reduce",
            )
            if signed_in:
                cookie = {"name": settings.SESSION_COOKIE_NAME, "value": session}
                context.add_cookies([{**cookie, "url": server.url}])
            return context.new_page()

        def shoot(where: Page, name: str, path: str = "", wait_ms: int = 800) -> None:
            if path:
                where.goto(path)
            where.wait_for_timeout(wait_ms)
            where.screenshot(path=FOLDER / f"{name}.png")

        talk = page(DESKTOP, "light")
        talk.goto(f"/chats/{chat.pk}/")
        talk.locator("[data-composer] textarea").fill(QUESTION)
        talk.keyboard.press("Enter")
        shoot(talk, "chat-light", wait_ms=2_000)
        talk.wait_for_timeout(6_000)
        shoot(page(DESKTOP, "dark"), "discover-dark", "/")
        shoot(page(DESKTOP, "dark"), "chat-dark", f"/chats/{chat.pk}/")
        shoot(page(DESKTOP, "light"), "tokens-light", "/payment/")
        shoot(page(DESKTOP, "light", signed_in=False), "landing-light", "/")
        shoot(page(PHONE, "light"), "phone-chat-light", f"/chats/{chat.pk}/")
        shoot(page(PHONE, "dark"), "phone-discover-dark", "/")
        shoot(page(PHONE, "dark", signed_in=False, locale="zh-CN"), "phone-landing-zh", "/")
        browser.close()


if __name__ == "__main__":
    prepare()
    take()
    print(*sorted(path.relative_to(ROOT) for path in Path(FOLDER).glob("*.png")), sep="\n")
