"""Compressed responses, their ETag, and If-None-Match."""

import gzip
from itertools import product

import brotli
import pytest

from support.api import Api
from support.events import DAY, planned
from support.writer import Writer

pytestmark = pytest.mark.asyncio(loop_scope="module")


BROTLI = {"Accept-Encoding": "gzip;q=0.5, br"}


async def many_operators(writer: Writer, api: Api) -> None:
    await writer.write([planned(f"T{n}", operator=f"op-{n}") for n in range(50)])
    await api.up_to_date()


async def test_response_uses_the_content_coding_the_client_accepts(
    writer: Writer, api: Api
) -> None:
    await many_operators(writer, api)
    expected = {
        "br": "br",
        "gzip": "gzip",
        "gzip, deflate, br": "br",
        "gzip;q=1.0, br;q=0.2": "gzip",
        "*": "br",
        "br;q=0, gzip;q=0": None,
        "identity": None,
        "deflate": None,
        "": None,
        "br;q=x": None,
    }
    for path, (accepted, coding) in product(("/report", "/contacts"), expected.items()):
        url = f"/api/v1{path}?date={DAY}"
        async with api.client.stream("GET", url, headers={"Accept-Encoding": accepted}) as answer:
            raw = b"".join([chunk async for chunk in answer.aiter_raw()])

        decoded = {"br": brotli.decompress, "gzip": gzip.decompress, None: bytes}[coding](raw)
        assert answer.headers.get("content-encoding") == coding, accepted
        assert "Accept-Encoding" in answer.headers["vary"]
        assert decoded.startswith(b'{"')
        assert decoded.endswith(b"}")


async def test_all_content_codings_share_one_etag(writer: Writer, api: Api) -> None:
    await many_operators(writer, api)

    plain = await api.raw("/report", {"Accept-Encoding": "identity"}, date=DAY)
    packed = await api.raw("/report", BROTLI, date=DAY)
    again = await api.raw("/report", {**BROTLI, "If-None-Match": plain.headers["etag"]}, date=DAY)

    assert plain.json()["operators"] == packed.json()["operators"]
    assert plain.headers["etag"] == packed.headers["etag"]
    assert again.status_code == 304


@pytest.mark.parametrize(
    ("given", "status"),
    [("*", 304), ('"x", {tag}', 304), ("{strong}", 304), ('"x"', 200), ("", 200), ("W/", 200)],
)
async def test_if_none_match_is_read_as_a_list(
    given: str, status: int, writer: Writer, api: Api
) -> None:
    tag = (await api.raw("/report", date=DAY)).headers["etag"]

    header = given.format(tag=tag, strong=tag.removeprefix("W/"))
    answer = await api.raw("/report", {"If-None-Match": header}, date=DAY)

    assert answer.status_code == status
