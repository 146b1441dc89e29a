"""A stack and its data folder: locked by one process, described while it runs, found by others."""

import asyncio
import json
import stat
import sys
from pathlib import Path

import pytest

from devkit.errors import StackError
from devkit.stack.configuration import StackOptions, choose_ports
from devkit.stack.engines import EmbeddedKafka
from devkit.stack.processes import Child
from devkit.stack.run import KAFKA_WARNING_BYTES, Stack
from devkit.stack.state import (
    StackState,
    announce_stack,
    empty_data_dir,
    find_stack,
    hold_data_dir,
    keep_previous_logs,
)


def state(data_dir: Path) -> StackState:
    return StackState(
        pid=1,
        data_dir=data_dir,
        api="http://127.0.0.1:1",
        issuer="http://127.0.0.1:2",
        projector="http://127.0.0.1:3",
        kafka="127.0.0.1:4",
        redis="redis://127.0.0.1:5/0",
        events_topic="task-events",
        dead_letter_topic="task-events.dlq",
        children={},
        settings={"OBZVON_TIMEZONE": "Asia/Omsk"},
    )


def test_a_running_stack_is_found_with_its_settings(tmp_path: Path) -> None:
    with hold_data_dir(tmp_path), announce_stack(state(tmp_path), {"Kafka": 17}):
        found = find_stack(tmp_path)
        assert found.children == {"Kafka": 17}
        assert found.environment()["OBZVON_TIMEZONE"] == "Asia/Omsk"
        assert stat.S_IMODE((tmp_path / "stack.json").stat().st_mode) == 0o600


def test_running_demo_is_found_if_no_other_stack_runs(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    with hold_data_dir(folder), announce_stack(state(folder), {}):
        assert find_stack(tmp_path).data_dir == folder


def test_missing_stack_is_reported_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"no stack is running in .*obzvon up.*--data-dir"):
        find_stack(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()


def test_a_stack_that_was_stopped_is_not_found(tmp_path: Path) -> None:
    with hold_data_dir(tmp_path), announce_stack(state(tmp_path), {}):
        pass
    with pytest.raises(StackError, match="no stack is running"):
        find_stack(tmp_path)


def test_a_stack_that_died_is_noticed(tmp_path: Path) -> None:
    with hold_data_dir(tmp_path), announce_stack(state(tmp_path), {}):
        left = (tmp_path / "stack.json").read_bytes()
    (tmp_path / "stack.json").write_bytes(left)
    with pytest.raises(StackError, match="ended without being stopped"):
        find_stack(tmp_path)


def test_a_second_stack_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    with (
        hold_data_dir(tmp_path),
        pytest.raises(StackError, match="already running in"),
        hold_data_dir(tmp_path),
    ):
        pass


def test_folder_that_cannot_be_created_is_reported_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(StackError, match=r"cannot be used as data dir .*--data-dir"),
        hold_data_dir(tmp_path / "file"),
    ):
        pass


def test_fresh_removes_what_a_stack_made_and_nothing_else(tmp_path: Path) -> None:
    for name in ("kafka", "redis", "issuer", "logs", "mine"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").touch()
    (tmp_path / "letter.txt").touch()
    empty_data_dir(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["letter.txt", "mine"]


def test_logs_of_the_run_before_are_kept_aside(tmp_path: Path) -> None:
    (tmp_path / "kafka.log").write_text("before")
    keep_previous_logs(tmp_path)
    assert (tmp_path / "kafka.log.1").read_text() == "before"
    assert not (tmp_path / "kafka.log").exists()


def test_ports_of_the_last_run_are_taken_again(tmp_path: Path) -> None:
    first = choose_ports(tmp_path, StackOptions(kafka_port=0, redis_port=0, api_port=0))
    (tmp_path / "ports.json").write_text(json.dumps(first))
    assert choose_ports(tmp_path, StackOptions()) == first
    assert len(set(first.values())) == 5


def test_a_given_port_is_never_replaced_by_another(tmp_path: Path) -> None:
    given = choose_ports(tmp_path, StackOptions(kafka_port=0))["kafka"]
    (tmp_path / "ports.json").write_text(json.dumps({"redis": given, "issuer": given}))
    chosen = choose_ports(tmp_path, StackOptions(kafka_port=given))
    assert chosen["kafka"] == given
    assert len(set(chosen.values())) == 5


def test_port_given_twice_is_reported_in_one_line(tmp_path: Path) -> None:
    port = choose_ports(tmp_path, StackOptions(kafka_port=0))["kafka"]
    with pytest.raises(StackError, match="given twice"):
        choose_ports(tmp_path, StackOptions(kafka_port=port, redis_port=port))


async def test_large_kafka_data_is_warned_of_once(tmp_path: Path) -> None:
    with (tmp_path / "kafka.json").open("wb") as file:
        file.truncate(KAFKA_WARNING_BYTES + 1)  # takes no room on the disk
    warned: list[str] = []
    stack = Stack(state(tmp_path), EmbeddedKafka(tmp_path), [])
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(stack.watch(warned.append), 0.3)
    (line,) = warned
    assert "500 MB" in line
    assert "--fresh" in line


async def test_a_child_that_ends_is_named_with_its_last_lines(tmp_path: Path) -> None:
    program = "print('first'); print('the reason'); raise SystemExit(3)"
    (tmp_path / "log").write_text("of the run before\n")
    async with Child("service", [sys.executable, "-c", program], log=tmp_path / "log") as child:
        stack = Stack(state(tmp_path), EmbeddedKafka(tmp_path), [child])
        with pytest.raises(StackError, match=r"service exited 3: first \| the reason") as caught:
            await stack.watch(print)
    assert "run before" not in str(caught.value)
