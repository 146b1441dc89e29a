"""Reading the rows behind a number, and the shards they are in, at one moment each.

Figures and rows stand in different hashes. So that they belong together, one script reads both:
what has changed of a shard since its snapshot, and rows. Long lists are read a portion at a time;
those of dates that moved meanwhile are read again, then all of them by one script. So a read ends
however fast a shard is written to, and takes Redis longer only for dates that are written to now.
"""

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from contracts.keys import ShardKeys
from contracts.values import Row
from query_api.reader.errors import Unavailable, reading
from query_api.reader.shard import MOVED, Decoder, ShardRead
from query_api.report.named_rows import NamedRow, named_rows
from query_api.report.row_query import Listing, RowQuery, listings
from query_api.report.snapshot import Shard, Snapshot
from runtime.redis import RedisClient
from runtime.scripts import Call, ReadScript

ROWS_PER_SCRIPT: Final = 1_000
"""About how many rows of a shard one script reads, so that Redis is not held up."""

ROUNDS: Final = 20
"""Rounds after which a read gives up: each needs an operator's first contact to be added meanwhile."""

ROWS_KNOWN: Final = 30_000
"""How many decoded rows are remembered: most are needed again when a person turns a page."""

_WITH_ROWS = ReadScript(
    """
local function moved(ARGV)
MOVED
end
-- KEYS: as above. ARGV: 1 to follow pointers, 0 to leave them out; the epoch that rows are held of;
-- the number of lists; of each its key, its key up to the operator's id, its date, and the seq of
-- the date that it is held of; then what is above.
-- Answers: {the answer of above, {field, row, field, row, ...} of each list, or nil where it is held
-- as it is}. A pointer is {"holder":ID}, the id as in the key's name.
local follows, epoch, lists = ARGV[1] == '1', ARGV[2], tonumber(ARGV[3])
local rest = {}
for i = 4 + 4 * lists, #ARGV do rest[#rest + 1] = ARGV[i] end
local shard, found, seqs, holds = moved(rest), {}, {}, false
if #shard == 0 then return {shard, found} end
for i = 1, #shard[1], 2 do
  if shard[1][i] == 'epoch' then holds = shard[1][i + 1] == epoch end
end
for i = 1, #shard[2], 2 do seqs[shard[2][i]] = shard[2][i + 1] end

local function listed(key, prefix)
  local pairs, rows = redis.call('HGETALL', key), {}
  for i = 1, #pairs, 2 do
    local row = pairs[i + 1]
    if string.byte(row) == 123 then
      row = follows and redis.call('HGET', prefix .. string.sub(row, 11, -2) .. ']', pairs[i])
    end
    if row then
      rows[#rows + 1] = pairs[i]
      rows[#rows + 1] = row
    end
  end
  return rows
end
for list = 1, lists do
  local key, prefix, date, seq = unpack(ARGV, 4 * list, 4 * list + 3)
  found[list] = not (holds and seqs[date] == seq) and listed(key, prefix)
end
return {shard, found}
""".replace("MOVED", MOVED.source)
)


class FoundRows(NamedTuple):
    """Rows, and the snapshot whose figures they are behind: newer than, or equal to, the mirror's."""

    snapshot: Snapshot
    rows: list[NamedRow]


class _HeldList(NamedTuple):
    """The rows of a list, as they are stored, and of which state of their date."""

    epoch: str
    seq: int
    rows: list[bytes]
    """Field, value, field, value, ..."""


class RowsRead:
    """Reads one shard and the rows of a query in it, in as many steps as their number takes.

    Send `call` and give the answer to `take`, until that returns True.
    """

    def __init__(
        self, keys: ShardKeys, query: RowQuery, decoder: Decoder, before: Shard | None
    ) -> None:
        """`before` is the shard as last read, with the cells of the period."""
        self._keys = keys
        self._query = query
        self._read = ShardRead(keys, query.period.days, decoder, before)
        self._unread = deque(listings(before, query) if before else ())
        self._asked: list[Listing] = []
        self._wanted: list[Listing] = []
        self._epoch = before.meta.epoch if before else ""
        self._held: dict[tuple[str, str | None], _HeldList] = {}
        self._rounds = 0
        self.shard: Shard | None = None
        """What was read; None if the shard does not exist."""

    def call(self) -> Call:
        keys, asked = self._keys, self._next_lists()
        shard_keys, args = self._read.call()
        lists: list[str | int] = []
        for one in asked:
            held = self._held.get((one.date, one.operator))
            lists += keys.rows(one.date, one.operator), keys.rows_prefix_of(one.date)
            lists += one.date, -1 if held is None or held.epoch != self._epoch else held.seq
        self._asked = asked
        return shard_keys, [
            int(self._query.takes_pointers),
            self._epoch,
            len(asked),
            *lists,
            *args,
        ]

    def _next_lists(self) -> list[Listing]:
        if not self._unread:
            return self._wanted  # all at once: those that have moved since are read by one script
        some = [self._unread.popleft()]
        rows = some[0].rows
        while self._unread and rows + self._unread[0].rows <= ROWS_PER_SCRIPT:
            some.append(self._unread.popleft())
            rows += some[-1].rows
        return some

    def take(self, answer: Any) -> bool:
        """Takes an answer in; returns whether that was the last one. Raises `Unavailable`."""
        moved, found = answer
        is_read = self._read.take(moved)
        shard = self.shard = self._read.shard
        if not moved:
            return True
        self._epoch, seqs = self._read.state
        for one, rows in zip(self._asked, found, strict=True):
            if rows is not None:
                held = _HeldList(self._epoch, seqs.get(one.date, 0), rows)
                self._held[one.date, one.operator] = held
        if not is_read or self._unread:
            return False
        assert shard is not None
        self._wanted = listings(shard, self._query)
        self._rounds += 1
        if self._rounds > ROUNDS:
            raise Unavailable("the rows change faster than they can be read")
        if not all(self._is_held(one, seqs) for one in self._wanted):
            return False
        places = {(one.date, one.operator) for one in self._wanted}
        self._held = {place: held for place, held in self._held.items() if place in places}
        return True

    def _is_held(self, one: Listing, seqs: dict[str, int]) -> bool:
        held = self._held.get((one.date, one.operator))
        return held is not None and (held.epoch, held.seq) == (self._epoch, seqs.get(one.date, 0))

    def portions(self) -> Iterator[list[Row]]:
        """Yields the rows that were read, once; a contact in several lists comes several times."""
        while self._held:
            _, held = self._held.popitem()
            for first in range(0, len(held.rows), 2 * ROWS_PER_SCRIPT):
                fields = iter(held.rows[first : first + 2 * ROWS_PER_SCRIPT])
                yield [_decoded(field, value) for field, value in zip(fields, fields, strict=True)]


async def find_rows(client: RedisClient, snapshot: Snapshot, query: RowQuery) -> FoundRows:
    """Returns the rows that match the query, each once; raises `Unavailable`.

    `snapshot` must have the cells of the query's period.
    """
    decoder = Decoder()
    reads = [
        RowsRead(ShardKeys(snapshot.generation, number), query, decoder, shard)
        for number, shard in enumerate(snapshot.shards)
    ]
    with reading():
        await _read_all(client, reads)
    for number, read in enumerate(reads):
        # Its figures are still shown, so that no rows would be a wrong answer.
        if read.shard is None and snapshot.shards[number] is not None:
            raise Unavailable(f"shard {number} is missing")
    shards = tuple(read.shard for read in reads)
    current = Snapshot(snapshot.generation, snapshot.fingerprint, shards, snapshot)
    found: dict[tuple[str, int], NamedRow] = {}
    for read in reads:
        for portion in read.portions():
            for named in named_rows(portion, query, current):
                found[named.row.task_id, named.row.contact_no] = named
            await asyncio.sleep(0)  # let other requests run
    return FoundRows(current, list(found.values()))


async def _read_all(client: RedisClient, reads: Sequence[RowsRead]) -> None:
    pending = list(reads)
    while pending:
        answers = await _WITH_ROWS.run_all(client, [read.call() for read in pending])
        pending = [
            read for read, answer in zip(pending, answers, strict=True) if not read.take(answer)
        ]


_known: dict[tuple[bytes, bytes], Row] = {}


def _decoded(field: bytes, value: bytes) -> Row:
    row = _known.get((field, value))
    if row is None:
        if len(_known) >= ROWS_KNOWN:
            _known.clear()
        row = _known[field, value] = Row.decode(field, value)
    return row
