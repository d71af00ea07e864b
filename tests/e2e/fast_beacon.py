"""Production's settings with a quicker beacon, so that tests need not wait 25 s for one, and a demo
model that talks on until it is stopped."""

from intellispark.settings import *  # noqa: F403

BEACON_SECS = 4
AI_DEMO_WORDS_PER_SEC = 1
