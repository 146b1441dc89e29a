r"""What is changed in aiokafka, and what is read of its insides. Nothing else touches those.

Two things are read against aiokafka's source, so another version is refused before it could go
wrong in silence: see `READ_AGAINST`.

- Records whose header names are not UTF-8 (`install`). Kafka takes any bytes for the name of a
  header. aiokafka decodes them as UTF-8, strictly, within `getmany`: one such record stops its whole
  partition for ever, and no handler ever hears of it. So when that happens the batch is read again
  from that record on, by aiokafka's own reader in Python, with names that show the bytes that are
  not text as ``\xNN``.
- Whether a consumer still takes part in its group (`is_coordinated`). Only a task of aiokafka's
  own knows.
"""

from collections.abc import Iterator
from importlib.metadata import version
from typing import Any, Final

from aiokafka import AIOKafkaConsumer
from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords, _MemoryRecordsPy

READ_AGAINST: Final = ("0.14",)
"""The series of aiokafka whose source this module was read against."""


class UnknownAiokafka(RuntimeError):
    """The aiokafka that is installed is not one that this module was read against."""


class _Bytes(bytearray):
    """Bytes whose parts decode whatever they hold."""

    def __getitem__(self, at: Any) -> Any:
        part = super().__getitem__(at)
        return _Bytes(part) if isinstance(at, slice) else part

    def decode(self, encoding: str = "utf-8", _errors: str = "strict") -> str:
        return super().decode(encoding, "backslashreplace")


class _Batch(_DefaultRecordBatchPy):  # type: ignore[misc]  # aiokafka is untyped
    _buffer: bytearray

    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        if not isinstance(self._buffer, _Bytes):
            self._buffer = _Bytes(self._buffer)


class _Batches(_MemoryRecordsPy):  # type: ignore[misc]  # aiokafka is untyped
    def next_batch(self) -> Any:
        found = self._next_slice
        if found is None or len(found) < self.MIN_SLICE or found[self.MAGIC_OFFSET] < 2:
            return super().next_batch()  # older formats have no headers
        self._cache_next()
        return _Batch(found)


class PatchedMemoryRecords(MemoryRecords):  # type: ignore[misc]  # aiokafka is untyped
    """Fetched records that keep the bytes they are read from."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.data = data


class PatchedPartitionRecords(fetcher.PartitionRecords):  # type: ignore[misc]  # aiokafka is untyped
    """A partition's fetched records, whatever their header names are."""

    _records: Any
    _aborted_transactions: list[Any]
    _aborted_producers: set[int]

    def _unpack_records(self) -> Iterator[Any]:
        aborted = list(self._aborted_transactions)
        data = self._records.data
        try:
            yield from super()._unpack_records()
        except UnicodeDecodeError:
            # Those before the record it could not read are not given again: aiokafka's own mark
            # of how far it has come goes back to the end of each batch that it passes.
            begin = self.next_fetch_offset
            self._records = _Batches(data)
            self._aborted_transactions = aborted
            self._aborted_producers = set()
            for record in super()._unpack_records():
                if record.offset >= begin:
                    yield record


def install() -> None:
    """Let all consumers of this process read any header name. Idempotent.

    Raises `UnknownAiokafka` if the version that is installed is not one it was read against.
    """
    require_known_version()
    fetcher.MemoryRecords = PatchedMemoryRecords
    fetcher.PartitionRecords = PatchedPartitionRecords


def require_known_version() -> None:
    """Raise `UnknownAiokafka` unless the installed aiokafka is of a series in `READ_AGAINST`."""
    found = version("aiokafka")
    if not any(found == series or found.startswith(series + ".") for series in READ_AGAINST):
        raise UnknownAiokafka(
            f"aiokafka {found} is installed, but the projector reads into the insides of aiokafka "
            f"{', '.join(READ_AGAINST)} only. Install that, or read projector/consumer/"
            "aiokafka_patch.py against the new version and add it to READ_AGAINST"
        )


def is_coordinated(consumer: AIOKafkaConsumer | None) -> bool:
    """Whether the consumer still takes part in its group; True before it starts and once it stopped.

    aiokafka's coordination is one task; what it does not expect ends it, and from then on the
    consumer raises the same error for ever. Raises `UnknownAiokafka` if that task is not there.
    """
    if consumer is None:
        return True
    coordinator = _inside(consumer, "_coordinator")
    return coordinator is None or not _inside(coordinator, "_coordination_task").done()


def _inside(thing: Any, name: str) -> Any:
    try:
        return getattr(thing, name)
    except AttributeError:
        raise UnknownAiokafka(
            f"aiokafka {version('aiokafka')} has no {type(thing).__name__}.{name}, by which the "
            "projector sees that it has dropped out of its group; see "
            "projector/consumer/aiokafka_patch.py"
        ) from None
