"""(c) A debit against `Account.transfer_to` of django-hordak, the nearest ledger for Django."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.bench.databases import ROOT, empty_postgres, environment, postgres
from tests.bench.measure import Row, interleave, ratio
from tests.bench.workers import workers

VERSION = "django-hordak==2.0.0"
HOME = ROOT / "tests" / ".cache" / "hordak"
HORDAK, OURS = f"{VERSION}: `transfer_to`", "`ledger.spend`, published"


def run() -> list[Row]:
    python = _installed()
    with postgres("spend") as url, empty_postgres("hordak") as other:
        env = {**os.environ, "DATABASE_URL": other, "DJANGO_SETTINGS_MODULE": ""}
        with (
            workers("spend", environment(url)) as ours,
            workers("", env, python=python, module="tests.bench.hordak_worker") as hordak,
        ):
            rates = interleave({HORDAK: hordak, OURS: ours})
    return [
        Row.of(HORDAK, rates[HORDAK]),
        Row.of(OURS, rates[OURS], ratio(rates, OURS, HORDAK), "hordak", "8.00"),
    ]


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
