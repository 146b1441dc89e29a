"""Names as people look for them."""


def collation_key(name: str) -> str:
    """A name as it is sorted and searched by: case does not matter, nor whether ё has its dots.

    >>> collation_key("Семёнова") == collation_key("СЕМЕНОВА")
    True
    """
    return name.casefold().replace("ё", "е")
