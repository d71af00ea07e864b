"""Runs the suite, the browser tests in a process of their own.

`python -m tests.run [paths and options of pytest]` runs all of it on PostgreSQL and Redis (the
machine's, else embedded ones), and on SQLite with the in-process layer what is marked
`both_engines`. What cannot run is reported with its reason. With `--all` it runs once, on the
engine of DATABASE_URL and REDIS_URL, and a skipped test is a failure. With `--quick` it runs what
is not `slow`, on SQLite, without the browser.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support import engines

BROWSER = "tests/e2e"
NO_TESTS = 5  # pytest's exit code when it collected nothing
WORKERS = ["-n", "auto"]
SQLITE = {"DATABASE_URL": "", "REDIS_URL": ""}
ALSO_ON_SQLITE = ["-m", "both_engines or sqlite"]


def run(arguments: list[str]) -> int:
    """Exit code of the whole run: 0 when everything that ran passed."""
    rest = [argument for argument in arguments if argument not in ("--all", "--quick")]
    if "--quick" in arguments:
        return _run_engine("Quick", ["-m", "not slow", *rest], SQLITE, browser=False)
    if "--all" in arguments:
        return _run_engine("As set", rest, {"TEST_NOTHING_SKIPPED": "1"})
    try:
        env = {"DATABASE_URL": engines.postgres_url(), "REDIS_URL": engines.redis_url()}
    except Exception as error:  # whatever it is, the reader needs to see it
        print(f"\nSKIPPED: the suite on PostgreSQL and Redis: {error!r}")
        return _run_engine("SQLite, in-process layer", rest, SQLITE)
    codes = [
        _run_engine("PostgreSQL, Redis", rest, env),
        _run_engine("SQLite, in-process layer", [*ALSO_ON_SQLITE, *rest], SQLITE),
    ]
    return next(filter(None, codes), 0)


def _run_engine(
    name: str, arguments: list[str], env: dict[str, str], *, browser: bool = True
) -> int:
    paths = [each for each in arguments if Path(each.split("::")[0]).exists()]
    options = [each for each in arguments if each not in paths]
    inner = [path for path in paths if not path.startswith(BROWSER)]
    outer = [path for path in paths if path.startswith(BROWSER)]
    codes = []
    if inner or not paths:
        print(f"\n=== {name}", flush=True)
        chosen = [*(inner or ["tests", f"--ignore={BROWSER}"]), "--dist=worksteal"]
        codes.append(_pytest([*chosen, "-p", "no:playwright", *options], env))
    if browser and (outer or not paths):
        print(f"\n=== {name}: browser", flush=True)
        codes.append(_pytest([*(outer or [BROWSER]), "--dist=worksteal", *options], env))
    return next((code for code in codes if code not in (0, NO_TESTS)), 0)


def _pytest(arguments: list[str], env: dict[str, str]) -> int:
    env = {**os.environ, **env, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    for key in ("DATABASE_URL", "REDIS_URL"):
        if not env.get(key):
            env.pop(key, None)
    # Without what it keeps of them, each worker would compile every test anew: four seconds.
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-m", "pytest", *WORKERS, *arguments]
    return subprocess.run(command, env=env).returncode


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
