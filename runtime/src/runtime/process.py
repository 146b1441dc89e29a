"""What a service's process sets up before it serves: signals and the garbage collector."""

import gc
import signal
import sys


def exit_on_signals() -> None:
    """End the process with code 0 on SIGINT and SIGTERM.

    Until uvicorn takes them over, and once more when it is done and raises them again.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(0))


def freeze_garbage(thresholds: tuple[int, int, int]) -> None:
    """Never collect what exists by now, and look for other reference cycles at `thresholds`.

    They are those of `gc.set_threshold`. The services hold millions of objects without a cycle;
    with Python's own thresholds the collector would walk over all of them again and again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*thresholds)
