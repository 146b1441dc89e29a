"""A wallboard's key and its parts."""

import pytest

from query_api.auth.store import KEY_PREFIX, key_id, secret, split_key


def test_a_key_is_read_back_into_its_parts() -> None:
    for _ in range(200):  # secrets sometimes contain underscores
        name, value = key_id(), secret()
        assert split_key(f"{KEY_PREFIX}_{name}_{value}") == (name, value)


@pytest.mark.parametrize(
    "text", ["", "obzkey", "obzkey_", "obzkey_a", "obzkey_a_", "obzkey__b", "key_a_b", "obzkey_*_b"]
)
def test_malformed_key_has_no_parts(text: str) -> None:
    assert split_key(text) is None
