"""The project's own settings, and URLs for measuring."""

from intellispark.settings import *  # noqa: F403

ROOT_URLCONF = "tests.bench.realtime_urls"
RATE_LIMITS = False
