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

pytestmark = pytest.mark.once

TEMPLATES = sorted((settings.BASE_DIR / "templates").rglob("*.html"))
PAGES = [path for path in TEMPLATES if "admin" not in path.parts]
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


def test_every_stylesheet_is_linked_and_stays_in_a_layer() -> None:
    styles = (settings.BASE_DIR / "templates/_styles.html").read_text()
    own = set((settings.BASE_DIR / "intellispark/static/css").rglob("*.css"))
    own -= {settings.BASE_DIR / "intellispark/static/css/admin.css"}  # over Django's own, unlayered
    for path in sorted(own):
        name = str(path.relative_to(settings.BASE_DIR / "intellispark/static"))
        assert f'"{name}"' in styles
        assert "@layer" in path.read_text()
        assert "@import" not in path.read_text()


def test_the_stand_alone_error_page_needs_no_request() -> None:
    page = render_to_string("500.html")
    assert "Something broke on our side" in page


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
        for link in re.findall(r'(?:href|src)="/static/([^"]+)"', page):
            assert (tmp_path / link).exists(), link


@pytest.mark.django_db
def test_pages_are_served_under_a_policy_that_allows_no_foreign_script(client: Client) -> None:
    answer = client.get("/")
    policy = answer["Content-Security-Policy"]
    nonce = re.search(r"'nonce-([^']+)'", policy)
    assert nonce
    assert "unsafe-inline" not in policy
    page = answer.content.decode()
    for tag in re.findall(r"<script\b[^>]*>", page):
        assert nonce[1] in tag or 'type="application/json"' in tag


def _strings() -> str:
    return render_to_string("_strings.html")


def _map() -> str:
    return render_to_string("_importmap.html")
