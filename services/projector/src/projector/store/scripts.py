"""The Lua scripts that guard a shard. A shard's keys share one slot, so each runs atomically.

``WRITE`` is the only way to change a shard that exists: if it is still at (epoch, seq) it
takes the values and is at seq + 1. ``CLAIM`` makes its caller the owner by a new epoch.

An epoch is ``NUMBER-RANDOM``. The number tells which of two owners came later; the random part
keeps an owner apart from another one that took the same number after a failover lost the first.

While a slot of a Redis Cluster moves, its old node runs a script only if every declared key is
still there, and a call inside it that touches a key which is not there is an error. So a script
declares all that it touches, and touches nothing that it has itself removed.
"""

from typing import Any

from contracts.keys import ChangeHint, ShardKeys
from contracts.meta import MetaChange
from projector.fold.change import Change
from runtime.scripts import Script

CHUNK = 4_000
"""Values per redis.call: Lua's unpack fails near 8,000."""

_WRITE = """
local held = redis.call('HMGET', KEYS[1], 'epoch', 'seq', 'nonce', 'status')
local epoch, seq = held[1], tonumber(held[2])
local mine, expected = ARGV[1], tonumber(ARGV[2])
if not epoch then return 'rolled_back' end
if held[4] == 'retired' then return 'retired' end
if epoch ~= mine then
  local theirs, ours = tonumber(string.match(epoch, '^%d+')), tonumber(string.match(mine, '^%d+'))
  if theirs < ours then return 'rolled_back' end
  return 'ahead'
end
if seq == expected + 1 and held[3] == ARGV[3] then return 'already' end
if seq > expected then return 'ahead' end
if seq < expected then return 'rolled_back' end

-- What can fail does so before anything is written: a script that fails is not rolled back.
for k = 1, #KEYS do
  local size = redis.pcall('HLEN', KEYS[k])
  if type(size) == 'table' then return redis.error_reply(size.err .. ': ' .. KEYS[k]) end
end

local at = 4
local function strings(count)
  local values = {}
  for i = 1, count do values[i] = ARGV[at + i - 1] end
  at = at + count
  return values
end
local function set(key, values)
  for first = 1, #values, %(chunk)d do
    redis.call('HSET', key, unpack(values, first, math.min(first + %(chunk)d - 1, #values)))
  end
end
local function remove(key, fields)
  for first = 1, #fields, %(chunk)d do
    if first > 1 then -- the chunk before may have emptied the hash, and that removes its key
      local size = redis.pcall('HLEN', key)
      if type(size) == 'table' or size == 0 then return end
    end
    redis.call('HDEL', key, unpack(fields, first, math.min(first + %(chunk)d - 1, #fields)))
  end
end
local function count()
  local number = tonumber(ARGV[at])
  at = at + 1
  return number
end

local hint = strings(1)[1]
if #hint > 0 then redis.call('PUBLISH', '%(changes)s', hint) end
local meta = strings(count())
local moved = strings(count())
for i = 1, #moved do redis.call('HSET', KEYS[2], moved[i], expected + 1) end
remove(KEYS[2], strings(count()))
for k = 3, #KEYS do
  if count() == 1 then
    redis.call('UNLINK', KEYS[k])
  else
    set(KEYS[k], strings(count()))
    remove(KEYS[k], strings(count())) -- last: a hash that is emptied is gone
  end
end
-- Last: what failed above is not taken for applied, and is set right by the same write again.
redis.call('HSET', KEYS[1], 'seq', expected + 1, 'nonce', ARGV[3], unpack(meta))
return 'applied'
"""

_CLAIM = """
local held = redis.call('HMGET', KEYS[1], 'epoch', 'status', 'fingerprint', 'seq')
if held[2] == 'retired' then return {'retired', ''} end
if held[3] and held[3] ~= ARGV[2] then return {'foreign', held[3]} end
redis.call('HDEL', KEYS[1], '')  -- so that a user who may not fails here, and not half way through
redis.call('UNLINK', KEYS[2])  -- which never exists
local number = held[1] and tonumber(string.match(held[1], '^%d+')) or 0
local epoch = string.format('%d', number + 1) .. '-' .. ARGV[1]
redis.call('HSET', KEYS[1], 'epoch', epoch, 'seq', (tonumber(held[4]) or 0) + 1, 'nonce', epoch,
  'fingerprint', ARGV[2])
if not held[2] then redis.call('HSET', KEYS[1], 'status', ARGV[3], 'horizon', ARGV[4]) end
return {'claimed', epoch}
"""


def write_script(changes: str) -> Script:
    return Script(_WRITE.replace("%(chunk)d", str(CHUNK)).replace("%(changes)s", changes))


def claim_script() -> Script:
    return Script(_CLAIM)


def write_arguments(
    keys: ShardKeys, change: Change, meta: MetaChange, seq: int
) -> tuple[list[str], list[Any]]:
    """KEYS and ARGV of the write script, those after its epoch, seq and nonce."""
    names = [keys.meta, keys.seqs]
    dates = sorted(change.moved)
    moved = (*dates, *change.gone)
    hint = ChangeHint(keys.generation, keys.shard, seq, moved).encode() if dates else b""
    args: list[Any] = [hint, 2 * len(meta)]
    for name, value in meta.items():
        args += (name, value)
    args.append(len(dates))
    args += dates
    args.append(len(change.gone))
    args += change.gone
    for key in change.drops:
        names.append(key)
        args.append(1)
    for key in change.sets.keys() | change.deletes.keys():
        names.append(key)
        fields = change.sets.get(key, {})
        removed = [name for name in change.deletes.get(key, ()) if name not in fields]
        args += (0, 2 * len(fields))
        for pair in fields.items():
            args += pair
        args.append(len(removed))
        args += removed
    return names, args
