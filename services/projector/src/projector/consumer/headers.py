r"""Records whose header names are not UTF-8, which aiokafka cannot read by itself.

Kafka takes any bytes for the name of a header. aiokafka 0.14 decodes them as UTF-8, strictly,
within `getmany`: one such record stops its whole partition for ever, and no handler ever hears
of it. So when that happens the batch is read again from that record on, by aiokafka's own reader
in Python, with names that show the bytes that are no text as ``\xNN``.
"""

from collections.abc import Iterator
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords, _MemoryRecordsPy


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


class _Kept(MemoryRecords):  # type: ignore[misc]  # aiokafka is untyped
    """Fetched records that keep the bytes they are read from."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.data = data


class _Records(fetcher.PartitionRecords):  # type: ignore[misc]  # aiokafka is untyped
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


def read_any_header_name() -> None:
    """Let all consumers of this process read such records. Calling it twice is once."""
    fetcher.MemoryRecords = _Kept
    fetcher.PartitionRecords = _Records
