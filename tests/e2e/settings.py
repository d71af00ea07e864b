"""Production's settings, with a quicker beacon, so that tests need not wait 25 s for one."""

from intellispark.settings import *  # noqa: F403

BEACON_SECS = 3
