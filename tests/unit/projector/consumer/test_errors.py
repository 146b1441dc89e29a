"""Errors as labels of a metric: dashboards look for these words."""

import pytest
from aiokafka.errors import KafkaConnectionError

from projector.consumer.errors import label_of
from projector.store.errors import Retired, RolledBack, Superseded


@pytest.mark.parametrize(
    ("error", "label"),
    [
        (Superseded(""), "Superseded"),
        (RolledBack(""), "RolledBack"),
        (Retired(""), "Retired"),
        (KafkaConnectionError(), "KafkaConnectionError"),
        (TimeoutError(), "TimeoutError"),
    ],
)
def test_the_label_of_an_error_is_what_it_always_was(error: Exception, label: str) -> None:
    assert label_of(error) == label
