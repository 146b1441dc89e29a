"""`python -m query_api keys`: create, list and revoke wallboard keys."""

import argparse
import asyncio
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from pydantic import ValidationError

from query_api.auth import audit
from query_api.auth.refusals import Refusal
from query_api.auth.settings import StoreSettings
from query_api.auth.store import (
    KEY_PREFIX,
    AccessStore,
    KeyRecord,
    RestrictionRecord,
    key_id,
    secret,
    sha256,
)

MAX_DAYS: Final = 3 * 366
EXIT_FAILED: Final = 1
EXIT_SETTINGS: Final = 2

_SPAN: Final = re.compile(r"([1-9][0-9]{0,4})([hd])")


def keys(argv: Sequence[str]) -> int:
    """Run the command and return its exit code.

    It reads OBZVON_ACCESS_REDIS_URL from the environment.
    """
    arguments = _parser().parse_args(argv)
    # Logs go to stderr: stdout is for the key alone, so that it can be piped.
    structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))
    try:
        url = StoreSettings().access_redis_url
    except ValidationError:
        url = None
    if url is None:
        return _fail(
            "OBZVON_ACCESS_REDIS_URL is missing or not a redis:// address: set it to the Redis of "
            "keys and sessions, like redis://127.0.0.1:6379/1",
            EXIT_SETTINGS,
        )
    try:
        return asyncio.run(_run(arguments, url))
    except Refusal:
        return _fail(
            "The Redis of OBZVON_ACCESS_REDIS_URL does not answer: start it, or fix the address",
            EXIT_FAILED,
        )


async def _run(arguments: argparse.Namespace, url: str) -> int:
    store = AccessStore(url)
    try:
        match arguments.command:
            case "create":
                return await _create(store, arguments)
            case "list":
                return await _list(store)
            case _:
                return await _revoke(store, arguments.key)
    finally:
        await store.close()


async def _create(store: AccessStore, arguments: argparse.Namespace) -> int:
    now = datetime.now(UTC)
    live = [key for key in await store.keys() if key.is_valid(now.timestamp())]
    if any(key.name == arguments.name for key in live):
        return _fail(
            f"There is a key named {arguments.name!r}: revoke it first, or choose another name",
            EXIT_FAILED,
        )
    value = secret()
    record = KeyRecord(
        id=key_id(),
        name=arguments.name,
        sha256=sha256(value),
        created_at=now,
        expires_at=now + arguments.expires,
        restriction=(
            RestrictionRecord(operators=arguments.operator, managers=arguments.manager)
            if arguments.operator is not None or arguments.manager is not None
            else None
        ),
    )
    await store.add_key(record)
    audit.log_event("key created", key=record.id, name=record.name)
    print(f"{KEY_PREFIX}_{record.id}_{value}")
    print(
        f"Key {record.id} ({record.name}) is valid until {record.expires_at:%Y-%m-%d %H:%M} UTC. "
        "It is shown only now: only its hash is stored.",
        file=sys.stderr,
    )
    return 0


async def _list(store: AccessStore) -> int:
    now = datetime.now(UTC).timestamp()
    for key in await store.keys():
        if key.revoked_at is not None:
            state = f"revoked {key.revoked_at:%Y-%m-%d %H:%M}"
        elif key.is_valid(now):
            state = f"valid until {key.expires_at:%Y-%m-%d %H:%M}"
        else:
            state = f"expired {key.expires_at:%Y-%m-%d %H:%M}"
        print(f"{key.id}  {state}  {key.name}{_limits(key)}")
    return 0


def _limits(key: KeyRecord) -> str:
    if key.restriction is None:
        return ""
    parts = [
        f"{what} {', '.join(repr(one) for one in ids)}"
        for what, ids in (
            ("operators", key.restriction.operators),
            ("managers", key.restriction.managers),
        )
        if ids is not None
    ]
    return f"  (only {'; '.join(parts)})"


async def _revoke(store: AccessStore, wanted: str) -> int:
    found = [key for key in await store.keys() if wanted in (key.id, key.name)]
    live = [key for key in found if key.revoked_at is None]
    if not found:
        return _fail(f"There is no key {wanted!r}: `keys list` shows them", EXIT_FAILED)
    for key in live:
        await store.add_key(key.model_copy(update={"revoked_at": datetime.now(UTC)}))
        audit.log_event("key revoked", key=key.id, name=key.name)
        print(f"Key {key.id} ({key.name}) is revoked; open wallboards go dark within 30 s.")
    if not live:
        print(f"Key {wanted} was revoked already.")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m query_api keys", description="Keys of wallboards: figures only, no rows."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    create = commands.add_parser("create", help="create a key and show it, once")
    create.add_argument("name", type=_name, help="what the key is for: 'Hall 2, left wall'")
    create.add_argument(
        "--expires",
        type=_span,
        default=timedelta(days=365),
        metavar="SPAN",
        help="how long it is valid: 12h, 90d (default 365d)",
    )
    for who in ("operator", "manager"):
        create.add_argument(
            f"--{who}", action="append", metavar="ID", help=f"show only this {who}; repeatable"
        )
    commands.add_parser("list", help="all keys, without the keys themselves")
    revoke = commands.add_parser("revoke", help="make a key invalid within 30 s")
    revoke.add_argument("key", help="its id or its name")
    return parser


def _name(text: str) -> str:
    text = text.strip()
    if not text or len(text) > 128 or not text.isprintable():
        raise argparse.ArgumentTypeError("give a name of 1 to 128 printable characters")
    return text


def _span(text: str) -> timedelta:
    match = _SPAN.fullmatch(text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time span; write 12h or 90d")
    count = int(match[1])
    span = timedelta(hours=count) if match[2] == "h" else timedelta(days=count)
    if span > timedelta(days=MAX_DAYS):
        raise argparse.ArgumentTypeError(f"a key lasts {MAX_DAYS}d at most")
    return span


def _fail(message: str, code: int) -> int:
    print(message, file=sys.stderr)
    return code
