"""Names as people look for them."""


def folded(name: str) -> str:
    """A name as it is sorted and searched by: case does not matter, nor whether ё has its dots.

    >>> folded("Семёнова") == folded("СЕМЕНОВА")
    True
    """
    return name.casefold().replace("ё", "е")
