"""`verify` passes a whole simulated day of a large call centre and names a wrong value."""

import re
from pathlib import Path

import redis.asyncio

from contracts.keys import ShardKeys
from runtime.redis import RedisClient
from support.processes import RunningStack, obzvon_up
from support.waiting import until

OPERATORS, TASKS = 200, 20_000
WRONG = "7,0,0,0,0,0,0,0,0,0,0"


async def test_verify_passes_a_correct_day_and_names_a_broken_cell(tmp_path: Path) -> None:
    async with obzvon_up(tmp_path / "data") as stack:
        size = ("--operators", str(OPERATORS), "--tasks", str(TASKS), "--days-before", "0")
        played = await stack.obzvon("simulate", *size, "--speed", "0")
        assert played.code == 0, played.err
        whole = await verified(stack)
        assert whole.endswith(": 0 differences\n"), whole
        key, field = await break_one_cell(stack)
        broken = await stack.obzvon("verify")
        assert broken.code == 1
        assert f"{key} {field}: Redis has {WRONG}, Kafka gives " in broken.out
        assert broken.out.endswith(": 1 differences\n")


async def verified(stack: RunningStack) -> str:
    """Returns what verify prints once every event is applied: how many tasks it found."""

    async def says_all() -> str:
        said = await stack.obzvon("verify")
        assert said.code == 0, said.out + said.err
        tasks = re.search(r" (\d+) tasks", said.out)
        return said.out if tasks and int(tasks[1]) >= TASKS else ""

    return await until(says_all, within_s=300, every_s=1)


async def break_one_cell(stack: RunningStack) -> tuple[str, str]:
    client: RedisClient = redis.asyncio.from_url(stack.state.redis)
    try:
        for shard in range(8):
            prefix = ShardKeys("g1", shard).cells("")
            keys = sorted([key async for key in client.scan_iter(match=f"{prefix}*")])
            for key in keys:
                fields = await client.hgetall(key)
                for field in sorted(fields):
                    await client.hset(key, field, WRONG)
                    return key.decode(), field.decode()
    finally:
        await client.aclose()
    raise AssertionError("no shard has a cell")
