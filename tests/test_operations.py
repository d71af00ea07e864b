"""What operators rely on: refusals at the start, one server per database, housekeeping."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from django.core import mail
from django.core.management import call_command
from django.db import OperationalError, connection
from django.test import override_settings

from intellispark import housekeeping
from payments.ledger.triggers.checks import missing_triggers
from payments.ledger.triggers.install import drop, install
from tests.support.server import ROOT, START_SECS, Server


def start(**env: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "VIRTUAL_ENV")}
    return subprocess.run(
        [sys.executable, "-c", "import django; django.setup()"],
        cwd=ROOT,
        env={**clean, "DJANGO_SETTINGS_MODULE": "intellispark.settings", "DEBUG": "0", **env},
        capture_output=True,
        text=True,
    )


SAFE = {
    "SECRET_KEY": "0123456789-0123456789-0123456789",
    "ALLOWED_HOSTS": "example.com",
    "DATABASE_URL": "sqlite:///:memory:",
}


@pytest.mark.parametrize("missing", SAFE)
def test_a_production_start_names_what_is_missing(missing: str) -> None:
    ended = start(**{**SAFE, missing: ""})
    assert ended.returncode != 0
    assert f"{missing} is missing" in ended.stderr


def test_a_production_start_refuses_what_is_unsafe() -> None:
    assert "ALLOWED_HOSTS=*" in start(**{**SAFE, "ALLOWED_HOSTS": "*"}).stderr
    assert "shorter than 32" in start(**{**SAFE, "SECRET_KEY": "short"}).stderr
    assert start(**SAFE).returncode == 0


HTTPS = {"CSRF_TRUSTED_ORIGINS": "https://example.com"}


def test_an_https_origin_needs_its_proxy() -> None:
    """Without it all people are one address, and nothing knows that they came by https."""
    refused = start(**SAFE, **HTTPS)
    assert refused.returncode != 0
    assert "TRUSTED_PROXIES is missing" in refused.stderr
    assert start(**SAFE, **HTTPS, TRUSTED_PROXIES="127.0.0.1").returncode == 0


def test_confirmed_addresses_need_a_mail_server() -> None:
    refused = start(**SAFE, EMAIL_CONFIRMATION="on")
    assert "EMAIL_CONFIRMATION=on needs an EMAIL_URL" in refused.stderr


def test_mails_need_an_origin_for_their_links() -> None:
    """Else whoever asks for a mail would say by the Host of the request where its link leads."""
    mails = {"EMAIL_URL": "smtp://localhost"}
    assert "EMAIL_URL needs our origin" in start(**SAFE, **mails).stderr
    assert start(**SAFE, **mails, CSRF_TRUSTED_ORIGINS="http://example.com:8000").returncode == 0
    assert start(DEBUG="1", **mails).returncode == 0


WRONG = [
    ("DEBUG", "maybe"),
    ("RATE_LIMITS", "offf"),
    ("PORT", "http"),
    ("PORT", "70000"),
    ("WELCOME_TOKENS", "-1"),
    ("WELCOME_TOKENS", "many"),
    ("WELCOME_TOKENS", "9" * 30),
    ("TRUSTED_PROXIES", "the-proxy"),
    ("TRUSTED_PROXIES", "10.0.0.0/33"),
    ("TRUSTED_PROXIES", "0.0.0.0/0"),
    ("ALLOWED_HOSTS", "https://example.com"),
    ("ALLOWED_HOSTS", "example.com:8000"),
    ("CSRF_TRUSTED_ORIGINS", "example.com"),
    ("CSRF_TRUSTED_ORIGINS", "https://example.com/"),
    ("DATABASE_URL", "mysql://example.com/app"),
    ("EMAIL_URL", "mail.example.com"),
    ("EMAIL_CONFIRMATION", "yes"),
    ("PAYMENTS", "bank"),
    ("OPENAI_BASE_URL", "api.example.com/v1"),
    ("AI_TOTAL_TIMEOUT", "soon"),
    ("AI_IDLE_TIMEOUT", "nan"),
    ("AI_FIRST_TOKEN_TIMEOUT", "0"),
]
READ_SETTINGS = """
import json, os, runpy, sys
from django.core.exceptions import ImproperlyConfigured
clean = dict(os.environ)
for name, value in json.loads(sys.argv[1]):
    os.environ.clear()
    os.environ.update(clean, **{name: value})
    try:
        runpy.run_module("intellispark.settings")
    except ImproperlyConfigured as error:
        print(error)
    else:
        print("accepted")
"""


def test_a_value_that_cannot_be_meant_is_refused_by_name() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", READ_SETTINGS, json.dumps([*WRONG, ("PORT", "8001")])],
        cwd=ROOT,
        env={**os.environ, **SAFE, "DEBUG": "0"},
        capture_output=True,
        text=True,
        check=True,
    )
    *said, fine = ended.stdout.splitlines()
    assert fine == "accepted"
    for (name, value), sentence in zip(WRONG, said, strict=True):
        assert sentence.startswith(f"{name} "), (name, value, sentence)


def doubts(folder: Path, **env: str) -> str:
    """What a production server says as it starts, whichever server it is."""
    clean = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "VIRTUAL_ENV")}
    own = {**SAFE, "DATABASE_URL": f"sqlite:///{folder}/x.sqlite3", **env}
    ended = subprocess.run(
        [sys.executable, "-c", "import intellispark.asgi"],
        cwd=ROOT,
        env={**clean, "DEBUG": "0", **own},
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [json.loads(line) for line in ended.stderr.splitlines() if line.startswith("{")]
    return " ".join(line["doubt"] for line in lines if line["event"] == "settings.doubtful")


def test_what_is_doubtful_is_said_when_the_server_starts(tmp_path: Path) -> None:
    unsafe = {"PAYMENTS": "sandbox", "RATE_LIMITS": "off", "EMAIL_URL": "consolemail://"}
    told = doubts(tmp_path, **unsafe, CSRF_TRUSTED_ORIGINS="http://example.com")
    for doubt in ("PAYMENTS=sandbox", "RATE_LIMITS=off", "EMAIL_URL prints mails"):
        assert doubt in told
    told = doubts(tmp_path)
    assert "EMAIL_URL is missing" in told
    assert "no https origin" in told
    assert "PAYMENTS" not in told


def test_the_production_start_of_the_readme_leaves_no_doubt(tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text()
    [block] = re.findall(r"^export ((?:[^\\\n]|\\\n)+)$", text, re.MULTILINE)
    recipe = dict(word.split("=", 1) for word in block.replace("\\\n", " ").split())
    recipe |= {"SECRET_KEY": SAFE["SECRET_KEY"], "METRICS_TOKEN": "a-token"}
    filled = {name: value.replace("…", "example") for name, value in recipe.items()}
    filled["DATABASE_URL"] = f"sqlite:///{tmp_path}/x.sqlite3"
    assert doubts(tmp_path, **filled) == ""


def test_the_readme_names_every_setting() -> None:
    source = (ROOT / "intellispark" / "settings.py").read_text()
    readers = "text|switch|choice|whole_number|seconds|networks|hosts|origins|url"
    read = set(re.findall(rf"\b(?:{readers})\(\s*\"([A-Z_]+)\"", source))
    table = re.findall(r"^\| ((?:`[A-Z_]+`(?:, )?)+) \|", (ROOT / "README.md").read_text(), re.M)
    assert read == {name for row in table for name in re.findall(r"`([A-Z_]+)`", row)}
    assert "os.environ" not in source
    assert not re.search(r"\benv\.(?:str|int|bool|list|float)\(", source)


def test_a_mail_without_a_server_leaves_no_key(caplog: pytest.LogCaptureFixture) -> None:
    link = "https://example.com/accounts/password/reset/key/1-secret/"
    with override_settings(EMAIL_BACKEND="intellispark.unsent_mail.UnsentMail"):
        assert mail.send_mail("Choose", link, None, ["alice@example.com"]) == 0
    assert "mail.unsent" in caplog.text
    assert "secret" not in caplog.text
    assert "alice" not in caplog.text


@pytest.mark.both_engines
@pytest.mark.django_db(transaction=True)
def test_a_second_server_without_redis_refuses_to_start() -> None:
    with Server(REDIS_URL=""), pytest.raises(RuntimeError, match="ended with 1"):
        Server(REDIS_URL="").start()


@pytest.mark.redis
@pytest.mark.django_db(transaction=True)
def test_servers_with_redis_share_a_database() -> None:
    with Server(), Server() as second:
        assert second.process is not None
        assert second.process.poll() is None


def manage(folder: Path, *command: str, **env: str) -> subprocess.CompletedProcess[str]:
    """That command on a database of its own, which nobody has migrated yet."""
    return subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=ROOT,
        env={**os.environ, **SAFE, "DATABASE_URL": f"sqlite:///{folder}/new.sqlite3", **env},
        capture_output=True,
        text=True,
        timeout=START_SECS,  # one that is not refused would serve
    )


def test_an_unmigrated_database_is_not_served(tmp_path: Path) -> None:
    ended = manage(tmp_path, "serve")
    assert ended.returncode == 1
    assert "run migrate" in ended.stderr


@pytest.mark.django_db(transaction=True)
def test_a_database_without_its_triggers_is_served_once_they_are_back() -> None:
    drop(connection)
    try:
        with pytest.raises(RuntimeError, match="ended with 1"), Server():
            pass
        with Server("--prepare"):
            assert missing_triggers() == []
    finally:
        install(connection)


@pytest.mark.parametrize("command", [["serve"], ["serve", "--prepare"], ["migrate"]])
def test_a_provider_that_does_not_exist_is_refused(tmp_path: Path, command: list[str]) -> None:
    ended = manage(tmp_path, *command, AI_PROVIDER="gpt")
    assert ended.returncode == 1
    assert "AI_PROVIDER is 'gpt', which is none of: " in ended.stderr
    assert "Traceback" not in ended.stderr


def test_serve_prepares_a_database_that_is_new(tmp_path: Path) -> None:
    server = Server("--prepare", DATABASE_URL=f"sqlite:///{tmp_path}/new.sqlite3", REDIS_URL="")
    with server, urllib.request.urlopen(f"{server.url}/characters/", timeout=60) as page:
        assert b"Professor Quill" in page.read()


@pytest.mark.django_db(transaction=True)
def test_the_server_ends_on_sigterm() -> None:
    server = Server().start()
    assert server.stop() == 0


@pytest.mark.django_db(transaction=True)
def test_a_form_that_nobody_can_read_is_refused_in_our_words() -> None:
    """Twisted would answer a multipart body without a boundary by itself, with nothing."""
    headers = {"Content-Type": "multipart/form-data"}
    with Server() as server:
        request = urllib.request.Request(
            f"{server.url}/api/auth/login", data=b"no form", headers=headers, method="POST"
        )
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=60)
    assert refused.value.code == 415
    assert json.load(refused.value)["error"]["code"] == "unsupported_media_type"


@pytest.mark.django_db
def test_housekeeping_runs_twice(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("housekeeping")
    call_command("housekeeping")
    assert "generations recovered: 0" in capsys.readouterr().out


def test_housekeeping_that_fails_keeps_nothing_else_from_its_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    turns = []

    def locked(**options: object) -> int:
        raise OperationalError("a lock")

    monkeypatch.setattr(housekeeping, "recover_orphans", locked)
    monkeypatch.setattr(housekeeping.emails, "purge", locked)
    monkeypatch.setattr(housekeeping, "expire_due_wallets", lambda: turns.append("lots") or 0)
    monkeypatch.setattr(housekeeping.closing, "erase_again", lambda: turns.append("closed") or 0)
    monkeypatch.setattr(housekeeping.closing, "close_unconfirmed", lambda: 0)
    monkeypatch.setattr(housekeeping.idempotency, "purge", lambda: 0)
    monkeypatch.setattr(housekeeping.tokens, "purge", lambda: 0)
    monkeypatch.setattr(housekeeping.sessions, "purge", lambda: 0)
    with pytest.raises(ExceptionGroup) as told:
        housekeeping.run_pass()
    assert turns == ["lots", "closed"]
    assert [type(error) for error in told.value.exceptions] == [OperationalError] * 2


def test_options_of_the_database_url_are_kept() -> None:
    code = "from django.conf import settings; print(settings.DATABASES['default']['OPTIONS'])"
    shown = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={
            **os.environ,
            **SAFE,
            "DJANGO_SETTINGS_MODULE": "intellispark.settings",
            "DATABASE_URL": "postgres://me@db.example/app?sslmode=require&options=-c%20jit%3Doff",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert "'sslmode': 'require'" in shown.stdout
    assert "'pool'" in shown.stdout
    assert "'options': '-c jit=off -c lock_timeout=3s'" in shown.stdout, "waiting is bounded"


@pytest.mark.parametrize("name", ["CHANNEL_HOSTS", "REDIS_URL"])
def test_redis_servers_that_cannot_be_read_are_refused(name: str) -> None:
    ended = start(**{**SAFE, "DEBUG": "1", name: "redis://one,two"})
    assert ended.returncode != 0
    assert f"{name} is malformed: URL 1 of 1 is none of redis://" in ended.stderr


def test_the_channel_layer_is_on_redis_unless_other_hosts_are_named() -> None:
    code = "from django.conf import settings; print(settings.CHANNEL_LAYERS['default']['CONFIG'])"

    def shown(**env: str) -> str:
        clean = {k: v for k, v in os.environ.items() if k not in ("REDIS_URL", "CHANNEL_HOSTS")}
        settings = {**SAFE, "DJANGO_SETTINGS_MODULE": "intellispark.settings", **env}
        command = [sys.executable, "-c", code]
        run = subprocess.run(
            command, cwd=ROOT, env={**clean, **settings}, capture_output=True, text=True, check=True
        )
        return run.stdout.strip()

    one, two = "redis://one", "redis://two"
    assert shown() == "{'hosts': []}"
    assert shown(REDIS_URL=one) == "{'hosts': [{'address': 'redis://one'}]}"
    assert shown(REDIS_URL=one, CHANNEL_HOSTS="") == "{'hosts': [{'address': 'redis://one'}]}"
    assert shown(REDIS_URL=one, CHANNEL_HOSTS=two) == "{'hosts': [{'address': 'redis://two'}]}"
