"""What golden's days leave in Redis is, byte for byte, what the committed fixture says.

Readers of another version read these keys while an upgrade runs, so the layout may only move
together with FOLD_VERSION (ADR 1): raise it, then `make golden-layout` writes the fixture again.
"""

import json
import os
import re
from collections import defaultdict
from hashlib import sha256
from typing import Any

import pytest

from support.golden import GOLDEN, day_events
from support.projecting import running_projector, shards_of
from support.publishing import publish
from support.topics import Topic
from support.waiting import until
from surface.redis_dump import dump, lines

FIXTURE = GOLDEN / "days" / "redis-layout.json"
EXAMPLES = 3
"""Lines of each family that are kept as they are, to show in a diff what has moved."""


def layout_of(found: dict[str, Any]) -> dict[str, Any]:
    """The fold version, and of each family of keys its size, its digest and some of its lines."""
    by_family: dict[str, list[str]] = defaultdict(list)
    for line in lines(found):
        key, *_ = line.split("\t")
        by_family[family_of(key)].append(line)
    return {
        "fold": json.loads(found["obzvon:live"])["fingerprint"]["fold"],
        "families": {
            family: {
                "lines": len(all_),
                "sha256": sha256("\n".join(all_).encode()).hexdigest(),
                "examples": all_ if family == "meta" else all_[:EXAMPLES],
            }
            for family, all_ in sorted(by_family.items())
        },
    }


def family_of(key: str) -> str:
    """The kind of a key: what is left without generation, shard, date and operator."""
    shard_key = re.fullmatch(r"g\d+:\{\d+\}:([a-z]+)(:.*)?", key)
    if shard_key is None:
        return key
    kind, rest = shard_key.groups()
    return f"{kind}{rest}" if kind == "names" else str(kind)


async def layout_of_the_days(topic: Topic, redis_url: str) -> dict[str, Any]:
    async with running_projector(topic, redis_url), shards_of(topic, redis_url) as shards:
        await publish(topic, day_events())
        await shards.caught_up()

        async def is_noted() -> bool:
            metas = await shards.metas()
            return all(meta and meta.as_of and meta.offset == meta.end_offset for meta in metas)

        await until(is_noted)
        return layout_of(dump(redis_url, {topic.events: "task-events"}))


async def test_redis_layout_changes_only_with_the_fold_version(
    topic: Topic, redis_url: str
) -> None:
    found = await layout_of_the_days(topic, redis_url)
    committed = json.loads(FIXTURE.read_text())
    if found["fold"] == committed["fold"]:
        assert found == committed, "the layout has moved: raise FOLD_VERSION, see ADR 1"
    elif os.environ.get("OBZVON_WRITE_GOLDEN"):
        FIXTURE.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n")
    else:
        pytest.fail("FOLD_VERSION has moved: `make golden-layout` writes the fixture again")
