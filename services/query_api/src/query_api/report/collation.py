"""How names are sorted and searched."""


def collation_key(name: str) -> str:
    """Returns what a name is sorted and searched by: case and the dots of ё do not matter.

    >>> collation_key("Семёнова") == collation_key("СЕМЕНОВА")
    True
    """
    return name.casefold().replace("ё", "е")
