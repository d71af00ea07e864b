"""(b) A hold against `Account.transfer_to` of django-hordak, the nearest ledger for Django.

`transfer_to` writes a transaction and two legs; it neither checks funds nor tells anybody. It runs
as Django's stock settings have it, with our connection options (statements prepared), and with what
a debit needs around it: the account locked and its balance read, in one transaction.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager

from tests.bench.databases import ROOT, empty_postgres, environment, postgres
from tests.bench.measure import Row, interleave, markdown, ratio
from tests.bench.workers import Workers, workers

VERSION = "django-hordak==2.0.0"
HOME = ROOT / "tests" / ".cache" / "hordak"
STOCK, TUNED = f"{VERSION}: `transfer_to`, stock settings", "the same, our connection options"
CHECKED = "the same, funds checked under a lock"
OURS = "`ledger.hold` in a transaction, published"


def run() -> str:
    python = _installed()
    with postgres("ours") as url, empty_postgres("hordak") as other:
        env = {**os.environ, "DATABASE_URL": other, "DJANGO_SETTINGS_MODULE": ""}
        with (
            workers("hold", environment(url)) as ours,
            _hordak("stock", env, python) as stock,
            _hordak("tuned", env, python) as tuned,
            _hordak("checked", env, python) as checked,
        ):
            rates = interleave({STOCK: stock, TUNED: tuned, CHECKED: checked, OURS: ours})
    return markdown(
        [
            Row.of(STOCK, rates[STOCK]),
            Row.of(TUNED, rates[TUNED]),
            Row.of(CHECKED, rates[CHECKED]),
            Row.of(OURS, rates[OURS], ratio(rates, OURS, STOCK), "stock"),
            Row.of("", rates[OURS], ratio(rates, OURS, TUNED), "our options"),
            Row.of("", rates[OURS], ratio(rates, OURS, CHECKED), "funds checked"),
        ]
    )


def _hordak(settings: str, env: Mapping[str, str], python: str) -> AbstractContextManager[Workers]:
    return workers(settings, env, python=python, module="tests.bench.hordak_worker")


def _installed() -> str:
    """The Python of a virtual environment with hordak, made on first use."""
    python = HOME / "bin" / "python"
    if not (HOME / "done").exists():
        packages = [VERSION, "django~=5.2.0", "psycopg[binary,pool]~=3.3.0"]
        try:
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(HOME)], check=True)
            subprocess.run([python, "-m", "pip", "install", "-qq", *packages], check=True)
        except subprocess.CalledProcessError as error:
            raise RuntimeError(f"django-hordak could not be installed: {error}") from error
        (HOME / "done").touch()
    return str(python)
