"""Names as they are sorted and searched by."""

import pytest

from query_api.report.collation import collation_key


@pytest.mark.parametrize(
    ("name", "same"), [("Семёнова", "СЕМЕНОВА"), ("ЁЛКИН", "елкин"), ("Straße", "STRASSE")]
)
def test_neither_case_nor_the_dots_of_yo_matter(name: str, same: str) -> None:
    assert collation_key(name) == collation_key(same)


def test_other_letters_matter() -> None:
    assert collation_key("Иванова") != collation_key("Йванова")
