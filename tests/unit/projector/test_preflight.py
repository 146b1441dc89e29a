"""What of a topic's settings would cost the report its past."""

import pytest

from projector.preflight import DAY_MS, unsafe_settings


@pytest.mark.parametrize(
    "configs",
    [{}, {"cleanup.policy": "delete", "retention.ms": "-1"}, {"retention.ms": str(92 * DAY_MS)}],
)
def test_topic_that_keeps_enough_has_no_unsafe_settings(configs: dict[str, str]) -> None:
    assert unsafe_settings("task-events", configs, 92) == []


def test_a_short_retention_is_named_with_what_to_set() -> None:
    (reason,) = unsafe_settings("task-events", {"retention.ms": str(7 * DAY_MS)}, 92)
    assert "retention.ms=604800000, 7.0 days" in reason
    assert "OBZVON_RETENTION_DAYS=92" in reason


@pytest.mark.parametrize("policy", ["compact", "compact,delete"])
def test_a_compacted_topic_is_named(policy: str) -> None:
    (reason,) = unsafe_settings("task-events", {"cleanup.policy": policy}, 92)
    assert f"cleanup.policy={policy}" in reason
