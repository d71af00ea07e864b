"""The project's settings for tests: the environment chooses the engines, nothing else differs
but what would make tests slow or depend on each other."""

import os
import tempfile

os.environ.setdefault("SECRET_KEY", "for-tests-only-0123456789-0123456789-0123456789")
os.environ.setdefault("ALLOWED_HOSTS", "127.0.0.1,localhost,testserver")
os.environ.setdefault("DATABASE_URL", f"sqlite:///{tempfile.gettempdir()}/intellispark.sqlite3")
os.environ.setdefault("REDIS_URL", "")
os.environ["DEBUG"] = "0"
os.environ.setdefault("AI_PROVIDER", "demo")
os.environ.setdefault("PAYMENTS", "sandbox")

from intellispark.settings import *  # noqa: F403

PATIENCE_SECS = 120  # with the database: a loaded machine is not a finding
_run = os.environ.get("TEST_DB_SUFFIX", "")  # runs beside each other on one machine
_suffix = _run + os.environ.get("PYTEST_XDIST_WORKER", "")
_database = DATABASES["default"]  # noqa: F405
if _database["ENGINE"].endswith("sqlite3"):
    _database["NAME"] += _suffix  # whoever serves it locks it, and each worker imports the app
    # A file: threads and servers in the tests need to see the same database.
    _database["TEST"] = {"NAME": f"{tempfile.gettempdir()}/intellispark-test{_suffix}.sqlite3"}
    TEST_TEMPLATE = f"{tempfile.gettempdir()}/intellispark-template{_run}.sqlite3"
    _database["OPTIONS"]["init_command"] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;"
    _database["OPTIONS"]["timeout"] = PATIENCE_SECS
else:
    _database["TEST"] = {"NAME": f"test_intellispark{_suffix}"}
    TEST_TEMPLATE = f"test_intellispark{_run}_template"
    _database["OPTIONS"]["pool"]["timeout"] = PATIENCE_SECS
    _database["OPTIONS"]["options"] = f"-c lock_timeout={PATIENCE_SECS}s"

AI_DEMO_WORDS_PER_SEC = 2_000
BEACON_SECS = 1
SOCKET_STALL_SECS = 5  # none stalls that only waits for a slow machine
RATE_LIMITS = False
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"]["BACKEND"] = (  # noqa: F405
    "django.contrib.staticfiles.storage.StaticFilesStorage"
)
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
TEST_RUNNER = "tests.support.runner.PytestRunner"
