"""The tests' settings, for a server that waits for nobody long."""

from tests.settings import *  # noqa: F403

REQUEST_HEAD_SECS = 1
REQUEST_BODY_SECS = 1
