"""What a process sets up before it serves."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_ends_the_process_with_code_0(name: str) -> None:
    code = (
        "import os, signal\n"
        "from runtime.process import exit_on_signals\n"
        "exit_on_signals()\n"
        f"os.kill(os.getpid(), signal.{name})\n"
        "raise AssertionError('it still runs')\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_what_exists_is_never_collected() -> None:
    code = (
        "import gc\n"
        "from runtime.process import freeze_garbage\n"
        "freeze_garbage((50_000, 20, 50))\n"
        "print(gc.get_threshold(), gc.get_freeze_count() > 1_000)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout == "(50000, 20, 50) True\n"
