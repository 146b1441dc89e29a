"""Reading one shard: what has changed since it was last read, all at one seq."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from contracts.keys import NAMES_SEQ, ShardKeys
from contracts.meta import Meta
from contracts.values import Cell, NameEntry, OpenKey, split_counters
from query_api.report.hour_counts import HourCounts
from query_api.report.snapshot import CellCounts, OpenContacts, Shard
from runtime.redis import RedisClient
from runtime.scripts import Call, ReadScript

BUDGET: Final = 20_000
"""Hash fields after which a script stops, so that Redis is not held up; another one continues."""

MOVED = ReadScript(
    """
-- KEYS: meta, seqs, none. ARGV: held epoch, held seq, budget, prefix of the cells' keys, of the open
-- counts' keys, the keys of the operators' and managers' names, prefix of the hours' keys, number of
-- dates whose cells are missing, those dates, then all dates whose cells are wanted.
-- Answers: meta, seqs, the seq up to which all is read, {date, open counts, cells, hours} of each
-- date that moved, {date, cells, hours} of missing ones. Dates go by their seqs, so reading can stop
-- and go on.
local meta = redis.call('HGETALL', KEYS[1])
if #meta == 0 then return {} end
local epoch, seq
for i = 1, #meta, 2 do
  if meta[i] == 'epoch' then epoch = meta[i + 1] end
  if meta[i] == 'seq' then seq = tonumber(meta[i + 1]) end
end
local held, budget = tonumber(ARGV[2]), tonumber(ARGV[3])
if epoch ~= ARGV[1] or seq < held then held = -1 end

local cold, wanted = {}, {}
local colds = tonumber(ARGV[9])
for i = 10, #ARGV do
  if i < 10 + colds then cold[#cold + 1] = ARGV[i] else wanted[ARGV[i]] = true end
end

local seqs = redis.call('HGETALL', KEYS[2])
local moved = {}
for i = 1, #seqs, 2 do
  local at = tonumber(seqs[i + 1])
  if at > held then moved[#moved + 1] = {seqs[i], at} end
end
table.sort(moved, function(a, b) return a[2] < b[2] end)

local through, read, done = seq, {}, {}
for i = 1, #moved do
  local name, at = moved[i][1], moved[i][2]
  if budget <= 0 and at > moved[i - 1][2] then
    through = moved[i - 1][2]
    break
  end
  local first, second, hours = nil, false, false
  if name == 'NAMES_SEQ' then
    first, second = redis.call('HGETALL', ARGV[6]), redis.call('HGETALL', ARGV[7])
  else
    first = redis.call('HGETALL', ARGV[5] .. name)
    if wanted[name] then
      second, hours = redis.call('HGETALL', ARGV[4] .. name), redis.call('HGETALL', ARGV[8] .. name)
    end
    done[name] = true
  end
  budget = budget - 1 - #first / 2 - (second and #second / 2 or 0) - (hours and #hours / 2 or 0)
  read[#read + 1] = {name, first, second, hours}
end

local missing = {}
for i = 1, #cold do
  if budget <= 0 and (i > 1 or #read > 0) then break end
  if not done[cold[i]] then
    local cells = redis.call('HGETALL', ARGV[4] .. cold[i])
    local hours = redis.call('HGETALL', ARGV[8] .. cold[i])
    budget = budget - 1 - #cells / 2 - #hours / 2
    missing[#missing + 1] = {cold[i], cells, hours}
  end
end
return {meta, seqs, through, read, missing}
""".replace("NAMES_SEQ", NAMES_SEQ)
)


class Decoder:
    """Decodes fields and remembers them: the same few thousand come again and again."""

    _LIMIT: Final = 200_000
    """How many fields to remember; then it starts over."""

    def __init__(self) -> None:
        self._cells: dict[bytes, Cell] = {}
        self._opens: dict[bytes, OpenKey] = {}

    def counts(self, flat: Sequence[bytes], hours: Sequence[bytes]) -> CellCounts:
        """Returns a date's cells; their `hours` are kept as they are until somebody asks."""
        known = self._cells
        if len(known) > self._LIMIT:
            known.clear()
        cells = {}
        fields = iter(flat)
        for field, value in zip(fields, fields, strict=True):
            cell = known.get(field)
            if cell is None:
                cell = known[field] = Cell.decode(field)
            cells[cell] = split_counters(value)
        return CellCounts(cells, HourCounts(hours))

    def opens(self, flat: Sequence[bytes]) -> OpenContacts:
        known = self._opens
        if len(known) > self._LIMIT:
            known.clear()
        counts = {}
        fields = iter(flat)
        for field, value in zip(fields, fields, strict=True):
            key = known.get(field)
            if key is None:
                key = known[field] = OpenKey.decode(field)
            counts[key] = int(value)
        return OpenContacts(counts)


class ShardRead:
    """Reads what has changed in one shard, in as many steps as its size takes.

    Send `call` and give the answer to `take`, until that returns True.
    """

    def __init__(
        self, keys: ShardKeys, wanted: Collection[str], decoder: Decoder, before: Shard | None
    ) -> None:
        """`wanted` are the dates whose cells are to be read."""
        self._keys = keys
        self._wanted = wanted
        self._decoder = decoder
        self._before = before
        self._epoch, self._through = (before.meta.epoch, before.meta.seq) if before else ("", -1)
        self._counts: dict[str, CellCounts] = {}
        self._opens: dict[str, OpenContacts] = {}
        self._names: dict[str, Mapping[str, NameEntry]] = {}
        self._cold: list[str] = []
        if before is not None:
            self._counts = {day: c for day, c in before.cell_counts.items() if day in wanted}
            self._opens = dict(before.open_contacts)
            self._names = dict(before.names)
            self._cold = [day for day in wanted if day in before.seqs and day not in self._counts]
        self.state: tuple[str, dict[str, int]] = ("", {})
        """The epoch and the seqs that the last answer told of."""
        self.shard: Shard | None = None
        """What was read; None if the shard does not exist."""

    def call(self) -> Call:
        keys = self._keys
        return [keys.meta, keys.seqs, keys.none], [
            self._epoch,
            self._through,
            BUDGET,
            keys.cells(""),
            keys.open(""),
            keys.names("operator"),
            keys.names("manager"),
            keys.hours(""),
            len(self._cold),
            *self._cold,
            *self._wanted,
        ]

    def take(self, answer: Any) -> bool:
        """Takes an answer in; returns whether that was the last one, and `shard` is complete."""
        meta = Meta.decode(_pairs(answer[0])) if answer else None
        if meta is None:
            self.shard = None
            return True
        _, flat_seqs, through, moved, missing = answer
        if (
            meta.epoch != self._epoch or meta.seq < self._through
        ):  # nothing that was read before holds
            self._counts, self._opens, self._names = {}, {}, {}
            self._before = None
            self._epoch = meta.epoch
        seqs = {name.decode(): int(seq) for name, seq in _pairs(flat_seqs).items()}
        self.state = meta.epoch, seqs
        for name, first, second, hours in moved:
            if name.decode() == NAMES_SEQ:
                self._names = {"operator": _names(first), "manager": _names(second)}
                continue
            day = name.decode()
            self._opens[day] = self._decoder.opens(first)
            if second is not None:
                self._counts[day] = self._decoder.counts(second, hours)
        for day, cells, hours in missing:
            self._counts[day.decode()] = self._decoder.counts(cells, hours)
        self._through = through
        self._cold = [
            day
            for day in self._wanted
            if day in seqs and day not in self._counts and day in self._opens
        ]
        if through != meta.seq or self._cold:
            return False
        for day in self._opens.keys() - seqs.keys():  # forgotten by retention
            del self._opens[day]
            self._counts.pop(day, None)
        self.shard = Shard(meta, seqs, self._counts, self._opens, self._names, self._before)
        return True


async def read_all(
    client: RedisClient, reads: Sequence[ShardRead], last: str
) -> tuple[list[Shard | None], bytes | None]:
    """Reads the shards together; returns them and the value of the key `last` after that."""
    pending = list(reads)
    while True:
        *answers, value = await MOVED.run_all(client, [read.call() for read in pending], last)
        pairs = zip(pending, answers, strict=True)
        pending = [read for read, answer in pairs if not read.take(answer)]
        if not pending:
            return [read.shard for read in reads], value


def _pairs(flat: Sequence[bytes]) -> dict[bytes, bytes]:
    fields = iter(flat)
    return dict(zip(fields, fields, strict=True))


def _names(flat: Sequence[bytes]) -> dict[str, NameEntry]:
    return {named.decode(): NameEntry.decode(entry) for named, entry in _pairs(flat).items()}
