"""Where the commands print: results on stdout, warnings and progress on stderr."""

from rich.console import Console

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def echo(line: str) -> None:
    out.print(line, soft_wrap=True, markup=False)


def warn(line: str) -> None:
    err.print(f"obzvon: {line}", soft_wrap=True, markup=False)
