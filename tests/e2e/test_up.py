"""`obzvon up`, from an empty folder to a report, and back to no process at all."""

import asyncio
import json
import re
import shutil
import signal
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

import httpx
import psutil
import pytest
import pytest_asyncio
import redis.asyncio

from devkit.stack.processes import Child
from runtime.redis import RedisClient
from support.events import cloud_event
from support.processes import OBZVON, RunningStack, clean_environment, obzvon, obzvon_up
from support.waiting import until

TODAY = datetime.now(ZoneInfo("Europe/Moscow")).date()
DAY = TODAY.isoformat()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningStack]:
    """One stack for the tests that only look at it, or add to it."""
    async with obzvon_up(Path(tmp_path_factory.mktemp("up")) / "data") as running:
        yield running


def planned(number: int) -> str:
    data = {
        "operator": {"id": "op-1", "name": "Иванова Анна"},
        "client": {"id": "c-1", "name": "ООО Ромашка"},
        "address": {"id": "a-1", "text": "Ленина, 1"},
        "contact_date": DAY,
    }
    time = f"{TODAY - timedelta(days=1)}T18:00:00+03:00"
    event = cloud_event("planned", f"task-{number}", time, data, id=f"planned-{number}")
    return json.dumps(event, ensure_ascii=False) + "\n"


async def report(stack: RunningStack, token: str, **parameters: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=stack.state.api, trust_env=False) as client:
        headers = {"Authorization": f"Bearer {token}"}
        return await client.get("/api/v1/report", params=parameters, headers=headers)


def processes(stack: RunningStack) -> list[psutil.Process]:
    """Returns the process of the command and all its descendants."""
    command = psutil.Process(stack.child.pid)
    return [command, *command.children(recursive=True)]


async def all_gone(pids: list[int]) -> None:
    def left() -> list[int]:
        return [
            pid
            for pid in pids
            if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
        ]

    await until(lambda: not left(), within_s=20.0)


async def test_what_is_published_is_in_the_report(stack: RunningStack, tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_text("".join(map(planned, range(25))))
    published = await stack.obzvon("publish", tmp_path / "events.jsonl")
    assert published.out == "published 25 events\n"
    token = (await stack.obzvon("token", "--role", "head")).out.strip()

    async def is_counted() -> bool:
        answer = await report(stack, token, date=DAY, operator_id="op-1")
        if answer.status_code != 200:
            return False
        # The figures can be shown a moment before their freshness is known.
        body = answer.json()
        return (body["totals"]["planned"], body["lag_events"]) == (25, 0)

    await until(is_counted)
    watched = await stack.obzvon("watch", "--once", "--date", DAY)
    assert watched.code == 0, watched.err
    assert f"{TODAY:%d.%m.%Y}" in watched.out
    (line,) = [line for line in watched.out.splitlines() if "Иванова Анна" in line]
    assert line.split()[2] == "25"
    assert re.search(r"данные на \d\d:\d\d:\d\d, отставание 0", watched.out)
    verified = await stack.obzvon("verify")
    assert verified.code == 0, verified.out + verified.err


async def test_verify_prints_its_findings_and_sets_the_exit_code(stack: RunningStack) -> None:
    events = "".join(map(planned, range(100, 110)))
    await stack.obzvon("publish", "-", stdin=events.encode())

    async def is_right() -> bool:
        return (await stack.obzvon("verify")).code == 0

    await until(is_right, within_s=30.0)
    client: RedisClient = redis.asyncio.from_url(stack.state.redis)
    try:
        key = await anext(client.scan_iter(f"*cells:{DAY}"))
        field, before = next(iter((await client.hgetall(key)).items()))
        await client.hset(key, field, b"9" + before)
        found = await stack.obzvon("verify")
        await client.hset(key, field, before)
    finally:
        await client.aclose()
    assert found.code == 1
    assert DAY in found.out + found.err


async def test_simulated_day_is_counted_completely(stack: RunningStack) -> None:
    played = await stack.obzvon("simulate", "--operators", "3", "--tasks", "60", "--speed", "0")
    assert played.code == 0, played.err
    assert re.match(r"published \d+ events for ", played.out)

    async def is_right() -> bool:
        return (await stack.obzvon("verify")).code == 0

    await until(is_right, within_s=30.0)


async def test_keys_command_is_passed_to_the_api(stack: RunningStack) -> None:
    listed = await stack.obzvon("keys", "list")
    assert listed.code == 0, listed.err
    wrong = await stack.obzvon("keys", "nonsense")
    assert wrong.code == 2


async def test_only_the_two_roles_may_read(stack: RunningStack) -> None:
    for role, status in {"head": 200, "quality_control": 200, "driver": 403}.items():
        token = (await stack.obzvon("token", "--role", role)).out.strip()
        assert (await report(stack, token)).status_code == status, role
    assert (await report(stack, "nonsense")).status_code == 401
    expired = (await stack.obzvon("token", "--ttl", "-3600")).out.strip()
    assert (await report(stack, expired)).status_code == 401
    refused = await stack.obzvon("watch", "--once", "--role", "driver")
    assert (refused.code, len(refused.lines)) == (1, 1)
    assert "403" in refused.err


@pytest.mark.parametrize(
    ("person", "status"),
    [("head", 200), ("quality_control", 200), ("restricted_head", 200), ("no_role", 403)],
)
async def test_four_people_can_log_in_and_one_may_not_read(
    stack: RunningStack, person: str, status: int
) -> None:
    async with httpx.AsyncClient(base_url=stack.state.api, trust_env=False) as browser:
        begun = await browser.get("/login", params={"next": "/api/v1/report"})
        asked = urlsplit(begun.headers["location"])
        assert f"{asked.scheme}://{asked.netloc}" == stack.state.issuer
        page = await browser.get(begun.headers["location"])
        assert f'<button name="person" value="{person}"' in page.text
        approved = await browser.post(
            f"{stack.state.issuer}/authorize",
            data={**dict(parse_qsl(asked.query)), "person": person},
        )
        let_in = await browser.get(approved.headers["location"], follow_redirects=True)
        assert let_in.status_code == status, let_in.text
        assert (str(let_in.url) == f"{stack.state.api}/api/v1/report") is (status == 200)


async def test_invalid_date_is_reported_in_one_line_with_its_field(stack: RunningStack) -> None:
    refused = await stack.obzvon("watch", "--once", "--date", "tomorrow")
    assert (refused.code, len(refused.lines)) == (1, 1)
    assert "date" in refused.err


async def test_a_second_stack_in_the_same_folder_is_refused(stack: RunningStack) -> None:
    refused = await obzvon("up", "--data-dir", stack.data_dir)
    assert (refused.code, len(refused.lines)) == (1, 1)
    assert "already running" in refused.err


async def test_every_port_is_bound_to_the_local_machine_only(stack: RunningStack) -> None:
    listening = {
        connection.laddr.ip
        for process in processes(stack)
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {"127.0.0.1"}


async def test_port_in_use_is_reported_in_one_line_and_leaves_nothing_running(
    stack: RunningStack, tmp_path: Path
) -> None:
    port = stack.state.api.rpartition(":")[2]
    refused = await obzvon("up", "--data-dir", tmp_path, "--api-port", port)
    assert (refused.code, len(refused.lines)) == (1, 1)
    assert f"port {port} on 127.0.0.1 is in use" in refused.err
    assert "--api-port" in refused.err
    assert not (tmp_path / "kafka").exists()


async def test_wrong_setting_ends_up_with_the_services_own_error_line(tmp_path: Path) -> None:
    free = ("--kafka-port", "0", "--redis-port", "0", "--api-port", "0")
    refused = await obzvon(
        "up", "--data-dir", tmp_path, *free, env={"OBZVON_TIMEZONE": "Europe/Atlantis"}
    )
    assert (refused.code, len(refused.lines)) == (1, 1)
    assert "OBZVON_TIMEZONE" in refused.err
    assert "Europe/Atlantis" in refused.err


async def test_stopped_or_killed_stack_leaves_no_process_and_says_what_was_lost(
    tmp_path: Path,
) -> None:
    async with obzvon_up(tmp_path / "data") as first:
        pids = [process.pid for process in processes(first)]
        assert len(pids) == 6
        await first.obzvon("publish", "-", stdin=planned(1).encode())
        token = (await first.obzvon("token")).out.strip()
        assert await first.stop(signal.SIGINT) == 0
        await all_gone(pids)
        (line,) = first.child.last_lines()  # that it was up
        assert f"page {first.state.api}/ (log in at {first.state.api}/login)" in line
    async with obzvon_up(tmp_path / "data") as second:

        async def is_there() -> bool:
            answer = await report(second, token, date=DAY)
            return answer.status_code == 200 and answer.json()["totals"]["planned"] == 1

        await until(is_there)  # the token too: the issuer kept its keys and its address
        pids = [process.pid for process in processes(second)]
        second.child.kill()
        await all_gone(pids)
        assert "ended without being stopped" in (await second.obzvon("token")).err

    shutil.rmtree(tmp_path / "data" / "kafka")
    async with obzvon_up(tmp_path / "data") as forgetful:

        def is_told() -> bool:
            return any("the report stands still" in line for line in forgetful.child.last_lines())

        await until(is_told)
        assert "--fresh" in forgetful.child.last_lines(1)[0]


async def test_a_service_that_dies_stops_the_stack_and_is_named(tmp_path: Path) -> None:
    async with obzvon_up(tmp_path / "data") as running:
        pids = [process.pid for process in processes(running)]
        psutil.Process(running.state.children["projector"]).kill()
        assert await asyncio.wait_for(running.child.exited(), 30.0) == 1
        await all_gone(pids)
        last = running.child.last_lines(1)[0]
        assert "projector was ended by SIGKILL" in last


async def test_demo_prints_a_day_in_plain_lines_and_stops_on_a_signal(tmp_path: Path) -> None:
    free = ("--kafka-port", "0", "--redis-port", "0", "--api-port", "0")
    demo = Child(
        "demo",
        [
            OBZVON,
            "demo",
            "--data-dir",
            tmp_path / "data",
            *free,
            "--operators",
            "3",
            "--tasks",
            "40",
        ],
        log=tmp_path / "demo.log",
        env=clean_environment(),
    )
    async with demo:

        def lives() -> bool:
            assert demo.is_running, demo.how_it_ended()
            return any(re.search(r"отставание.*План [1-9]", line) for line in demo.last_lines(20))

        await until(lives, within_s=60.0)
        text = demo.log.read_text()
        assert re.search(r"^API: http://127\.0\.0\.1:\d+", text, re.MULTILINE)
        assert re.search(r"^Page: http://127\.0\.0\.1:\d+/$", text, re.MULTILINE)
        assert re.search(r"^Log in: http://127\.0\.0\.1:\d+/login", text, re.MULTILINE)
        assert re.search(r"^Try: curl .*/api/v1/report$", text, re.MULTILINE)
        pids = [process.pid for process in psutil.Process(demo.pid).children(recursive=True)]
        demo.send(signal.SIGINT)
        assert await asyncio.wait_for(demo.exited(), 30.0) == 0
        await all_gone(pids)
