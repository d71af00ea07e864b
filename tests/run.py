"""Runs the suite: every engine, and the browser tests in a process of their own.

`python -m tests.run [paths and options of pytest]` runs it on SQLite with the in-process layer,
then on PostgreSQL and Redis: the machine's, else embedded ones. What cannot run is reported with
its reason. With `--all` it runs once, on the engine of DATABASE_URL and REDIS_URL, and a skipped
test is a failure.
"""

from __future__ import annotations

import os
import subprocess
import sys

from tests.support import engines

BROWSER = "tests/e2e"
NO_TESTS = 5  # pytest's exit code when it collected nothing


def run(arguments: list[str]) -> int:
    """Exit code of the whole run: 0 when everything that ran passed."""
    if "--all" in arguments:
        rest = [argument for argument in arguments if argument != "--all"]
        return _run_engine("as set", rest, {"TEST_NOTHING_SKIPPED": "1"})
    code = _run_engine("SQLite, in-process layer", arguments, {"DATABASE_URL": "", "REDIS_URL": ""})
    try:
        env = {"DATABASE_URL": engines.postgres_url(), "REDIS_URL": engines.redis_url()}
    except Exception as error:  # whatever it is, the reader needs to see it
        print(f"\nSKIPPED: the suite on PostgreSQL and Redis: {error!r}")
        return code
    return _run_engine("PostgreSQL, Redis", arguments, env) or code


def _run_engine(name: str, arguments: list[str], env: dict[str, str]) -> int:
    env = {**os.environ, **env, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    for key in ("DATABASE_URL", "REDIS_URL"):
        if not env.get(key):
            env.pop(key, None)
    paths = [argument for argument in arguments if not argument.startswith("-")]
    options = [argument for argument in arguments if argument.startswith("-")]
    inner = [path for path in paths if not path.startswith(BROWSER)]
    browser = [path for path in paths if path.startswith(BROWSER)]
    codes = []
    if inner or not paths:
        print(f"\n=== {name}", flush=True)
        codes.append(_pytest([*(inner or ["tests", f"--ignore={BROWSER}"]), "-n2", *options], env))
    if browser or not paths:
        print(f"\n=== {name}: browser", flush=True)
        codes.append(_pytest([*(browser or [BROWSER]), "-n2", "--dist=loadfile", *options], env))
    return next((code for code in codes if code not in (0, NO_TESTS)), 0)


def _pytest(arguments: list[str], env: dict[str, str]) -> int:
    return subprocess.run([sys.executable, "-m", "pytest", *arguments], env=env).returncode


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
