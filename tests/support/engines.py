"""Which Kafka and Redis tests and benchmarks run on, and with which settings.

``OBZVON_TEST_KAFKA`` is the bootstrap address of a running broker, ``OBZVON_TEST_REDIS`` the URL
of a running Redis that may be EMPTIED.
"""

import os

SHORT_SESSIONS = {"group.min.session.timeout.ms": "1000"}
"""Settings of a broker that lets a group notice within seconds that a member has died."""


def given_kafka() -> str | None:
    """The running broker that is named outside, if one is."""
    return os.environ.get("OBZVON_TEST_KAFKA") or None


def given_redis() -> str | None:
    """The running Redis that is named outside, if one is."""
    return os.environ.get("OBZVON_TEST_REDIS") or None
