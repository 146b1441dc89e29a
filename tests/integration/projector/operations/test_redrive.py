"""Dead letters that can be read now are sent to the events topic again."""

import pytest

from contracts.events import MAX_VALUE_BYTES
from projector.consumer import decode
from support.events import planned
from support.processes import projector_command
from support.projecting import Shards, running_projector, shards_of
from support.publishing import publish, record_of, send
from support.topics import Topic

EVENT = planned("T1")
TOO_LARGE = {**EVENT, "padding": "x" * MAX_VALUE_BYTES}
HUGE = {**planned("T2"), "padding": "x" * 950_000}


async def test_dead_letters_readable_now_are_sent_again_and_counted_once(
    topic: Topic, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, value, more = record_of(EVENT)
    async with shards_of(topic, redis_url) as shards:
        with monkeypatch.context() as patched:
            patched.setattr(decode, "MAX_VALUE_BYTES", 10)  # a release that is fixed later
            async with running_projector(topic, redis_url):
                await send(topic, [(key, value, {**more, "headers": [("trace", b"1")]})])
                await shards.caught_up()
        async with running_projector(topic, redis_url):
            await send(topic, [(b"another", value, more), (b"T3", b"{", {})])
            await shards.caught_up()
            assert await shards.dead() == {"too_large": 1, "key_mismatch": 1, "not_json": 1}

            dry = await projector_command(topic, redis_url, "redrive", "--dry-run")
            assert "redrive: 1 would be sent, 2 still unreadable, 0 filtered, 0 gone" in dry.out
            none = await projector_command(topic, redis_url, "redrive", "--reason", "not_json")
            assert "redrive: 0 sent, 1 still unreadable, 2 filtered, 0 gone" in none.out
            assert await tasks(shards) == 0

            for _ in range(2):  # a repeat changes nothing
                ended = await projector_command(topic, redis_url, "redrive")
                assert (ended.code, ended.err) == (0, "")
                assert "too_large: 1 sent" in ended.out
                assert "key_mismatch: 0 sent, 1 still unreadable" in ended.out
                await shards.caught_up()
                assert await tasks(shards) == 1
                assert sum((await shards.dead()).values()) == 3
            late = await projector_command(
                topic, redis_url, "redrive", "--since", "2999-01-01T00:00:00+03:00"
            )
            assert "redrive: 0 sent, 0 still unreadable, 3 filtered" in late.out


async def test_value_too_large_for_a_dead_letter_is_read_from_the_events_topic(
    topic: Topic, redis_url: str
) -> None:
    async with running_projector(topic, redis_url), shards_of(topic, redis_url) as shards:
        await publish(topic, [HUGE])
        await shards.caught_up()
        ended = await projector_command(topic, redis_url, "redrive")
        assert "too_large: 0 sent, 1 still unreadable, 0 filtered, 0 gone" in ended.out


async def test_wrong_time_is_reported_in_one_line(topic: Topic, redis_url: str) -> None:
    ended = await projector_command(topic, redis_url, "redrive", "--since", "yesterday")
    assert ended.code == 2
    assert len(ended.lines) == 1
    assert "yesterday" in ended.err


async def tasks(shards: Shards) -> int:
    return sum([await shards.client.hlen(keys.docs) for keys in shards.keys])
