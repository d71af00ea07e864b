"""What holds for every template: the policy on inline code, known texts, icons and files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.test import Client, override_settings

from chat.conversations.chats import create_chat
from tests.support.factories import make_character, make_user

pytestmark = pytest.mark.once

TEMPLATES = sorted(
    path
    for folder in ("templates", "payments/billing/gateways")
    for path in (settings.BASE_DIR / folder).rglob("*.html")
)
PAGES = [path for path in TEMPLATES if "admin" not in path.parts]
STATIC = settings.BASE_DIR / "intellispark/static"
STYLES = {
    str(path.relative_to(STATIC)): re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)
    for path in sorted((STATIC / "css").rglob("*.css"))
}
MEMBERS = ["/chats/", "/chats/{chat}/", "/characters/{character}/", "/payment/", "/settings/"]
# Each class, and the stylesheets with a rule that begins with it.
STYLED: dict[str, set[str]] = {}
for _file in STYLES.keys() - {"css/admin.css"}:
    for _name in re.findall(r"(?:^|[{},])\s*\.([a-zA-Z][\w-]*)", STYLES[_file]):
        STYLED.setdefault(_name, set()).add(_file)
SCRIPTS = [
    path
    for folder in ("intellispark/static/js", "chat/static", "payments/static")
    for path in sorted((settings.BASE_DIR / folder).rglob("*.js"))
    if "vendor" not in path.parts
]


def name_of(path: Path) -> str:
    return str(path.relative_to(settings.BASE_DIR))


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_no_template_has_inline_styles_or_handlers(path: Path) -> None:
    source = path.read_text()
    assert not re.search(r"\sstyle=", source)
    assert not re.search(r"<[^>]*\son[a-z]+=", source)


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_every_static_file_that_a_template_names_exists(path: Path) -> None:
    for name in re.findall(r"{%\s*static\s+[\"']([^\"']+)[\"']", path.read_text()):
        assert finders.find(name), name


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_every_icon_is_drawn(path: Path) -> None:
    drawn = set(re.findall(r'id="(icon-[\w-]+)"', render_to_string("_icons.html")))
    used = re.findall(r'<use href="#(icon-[\w-]+)"', path.read_text())
    assert set(used) <= drawn


@pytest.mark.parametrize("path", SCRIPTS, ids=name_of)
def test_every_text_that_a_script_shows_is_known(path: Path) -> None:
    known = set(re.findall(r'^\s+"([\w.]+)":', _strings(), re.MULTILINE))
    for key in re.findall(r'(?<![\w.])t\("([\w.]+)"', path.read_text()):
        assert {key, f"{key}.other"} & known, key


@pytest.mark.parametrize("path", SCRIPTS, ids=name_of)
def test_scripts_import_only_what_the_map_names(path: Path) -> None:
    mapped = set(re.findall(r'^\s+"([^"]+)":', _map(), re.MULTILINE))
    names = re.findall(r'^(?:import|} from|import .* from) "([^"]+)";', path.read_text(), re.M)
    assert set(names) <= mapped


@pytest.mark.parametrize("path", SCRIPTS, ids=name_of)
def test_scripts_import_one_way_chat_payments_shared(path: Path) -> None:
    """As the Python does. Only `main.js` starts what is in every room."""
    if path.name == "main.js":
        return
    names = re.findall(r'(?:from|import\() ?"([^"]+)"', path.read_text())
    foreign = {"intellispark": ("chat/", "payments/"), "payments": ("chat/",), "chat": ()}
    assert not [name for name in names if name.startswith(foreign[name_of(path).split("/")[0]])]


def test_every_stylesheet_is_linked_and_stays_in_a_layer() -> None:
    templates = "".join(path.read_text() for path in TEMPLATES)
    linked = re.findall(r'<link rel="stylesheet" href="{% static "([^"]+)"', templates)
    for name, text in STYLES.items():
        assert name in linked
        assert "@import" not in text
        assert "!important" not in text  # a later layer wins
        if name != "css/admin.css":  # over Django's own, which is in no layer
            assert re.search(r"^@layer \w+[,; {]", text, re.MULTILINE)


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/characters/", "/accounts/login/", "/nowhere/", *MEMBERS])
def test_a_page_links_the_stylesheets_of_all_that_it_shows(client: Client, path: str) -> None:
    if path in MEMBERS:
        user = make_user()
        client.force_login(user)
        chat = create_chat(user=user, character_id=make_character().pk)
        path = path.format(chat=chat.pk, character=chat.character_id)
    page = client.get(path).content.decode()
    linked = set(re.findall(r'<link rel="stylesheet" href="/static/([^"]+)"', page))
    shown = {name for names in re.findall(r'class="([^"]*)"', page) for name in names.split()}
    needed = {file for name in shown for file in STYLED.get(name, ())}
    assert needed
    assert needed <= linked


def test_the_stand_alone_error_page_needs_no_request() -> None:
    page = render_to_string("500.html")
    assert "Something went wrong on our side" in page


@pytest.mark.django_db
def test_pages_work_with_hashed_names(tmp_path: Path, client: Client) -> None:
    """As in production: a file that is missing, or named by a broken url(), fails here."""
    storages = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"},
    }
    with override_settings(STORAGES=storages, STATIC_ROOT=tmp_path):
        call_command("collectstatic", interactive=False, verbosity=0)
        page = client.get("/").content.decode()
        assert static("css/tokens.css") in page
        assert re.search(r"css/tokens\.[0-9a-f]{12}\.css", page)
        links = re.findall(r'(?:href|src)="/static/([^"]+)"', page)
        assert links
        assert [link for link in links if not (tmp_path / link).exists()] == []


@pytest.mark.django_db
def test_pages_are_served_under_a_policy_that_allows_no_foreign_script(client: Client) -> None:
    answer = client.get("/")
    policy = answer["Content-Security-Policy"]
    nonce = re.search(r"'nonce-([^']+)'", policy)
    assert nonce
    assert "unsafe-inline" not in policy
    page = answer.content.decode()
    run = [tag for tag in re.findall(r"<script\b[^>]*>", page) if "application/json" not in tag]
    assert run
    assert [tag for tag in run if nonce[1] not in tag] == []


def _strings() -> str:
    return render_to_string("_strings.html")


def _map() -> str:
    return render_to_string("_importmap.html")
