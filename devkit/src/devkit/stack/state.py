"""A data dir and the stack that runs in it: how it is locked, described and found.

::

    kafka/ redis/ issuer/   the engines' data and the issuer's keys
    logs/                   one file per process; those of the previous run end in .1
    ports.json              the ports used last, used again if they are free
    stack.json              how to reach the running stack; removed when it is stopped
    lock                    locked while the stack runs, however it ends
"""

import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from devkit.errors import StackError

if TYPE_CHECKING:
    from devkit.stack.issuer.tokens import Issuer

DEFAULT_DATA_DIR = Path(".obzvon")


class StackState(BaseModel):
    """How to reach a running stack."""

    pid: int
    data_dir: Path
    api: str
    issuer: str
    projector: str
    kafka: str
    redis: str
    events_topic: str
    dead_letter_topic: str
    children: dict[str, int]
    settings: dict[str, str]
    """The OBZVON_… settings that its services were started with, without secrets."""

    def environment(self) -> dict[str, str]:
        """Returns the environment in which the services' own commands find this stack."""
        return {**os.environ, **self.settings}

    def open_issuer(self) -> "Issuer":
        """Returns the stack's development issuer, which signs with the keys in the data dir."""
        from devkit.stack.issuer.tokens import Issuer

        return Issuer.open(self.data_dir / "issuer", self.issuer)


def find_stack(data_dir: Path) -> StackState:
    """Returns the stack that runs in the data dir or in its ``demo`` folder.

    If none does, raises a `StackError` that says how to start one.
    """
    folders = (data_dir.absolute(), data_dir.absolute() / "demo")
    for folder in folders:
        state = folder / "stack.json"
        if state.exists() and _is_locked(folder / "lock"):
            try:
                return StackState.model_validate_json(state.read_bytes())
            except (ValidationError, OSError) as error:
                raise StackError(
                    f"{state} cannot be read: stop that stack and start it again"
                ) from error
    stale = [folder for folder in folders if (folder / "stack.json").exists()]
    what = (
        f"the stack in {stale[0]} ended without being stopped"
        if stale
        else f"no stack is running in {data_dir}"
    )
    raise StackError(f"{what}: start one with `obzvon up`, or name its folder with --data-dir")


@contextmanager
def hold_data_dir(data_dir: Path) -> Iterator[None]:
    """Lock the data dir within; the kernel unlocks it however this process ends."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        file = (data_dir / "lock").open("a+")
    except OSError as error:
        raise StackError(
            f"{data_dir} cannot be used as data dir ({error.strerror}): name one with --data-dir"
        ) from error
    with file:
        if not _lock(file):
            raise StackError(
                f"a stack is already running in {data_dir}: stop it, or use another --data-dir"
            )
        yield


def _lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_locked(path: Path) -> bool:
    try:
        with path.open("a+") as file:
            return not _lock(file)
    except OSError:
        return False


def empty_data_dir(data_dir: Path) -> None:
    """Remove what a stack has written there, and nothing else: the folder may hold other files."""
    for name in ("kafka", "redis", "issuer", "logs"):
        shutil.rmtree(data_dir / name, ignore_errors=True)
    for name in ("stack.json", "ports.json"):
        (data_dir / name).unlink(missing_ok=True)


def keep_previous_logs(logs: Path) -> None:
    """Rename the logs of the previous run, so that they end in .1."""
    for log in logs.glob("*.log"):
        log.replace(log.with_name(log.name + ".1"))


@contextmanager
def announce_stack(state: StackState, children: Mapping[str, int]) -> Iterator[None]:
    """Within, the other commands find the stack by its state file."""
    path = state.data_dir / "stack.json"
    full = state.model_copy(update={"children": dict(children)})
    temporary = path.with_suffix(".tmp")
    temporary.touch(mode=0o600)
    temporary.write_text(full.model_dump_json(indent=2) + "\n")
    temporary.replace(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
