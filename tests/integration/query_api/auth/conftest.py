"""What differs here from the other tests of the API."""

import pytest


@pytest.fixture(autouse=True, scope="module")
def _plain_logs() -> None:
    """Nothing is configured: these tests capture the log as it is by default."""
