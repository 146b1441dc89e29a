"""Scripts are sent whole only to a server that does not know them."""

from typing import Any

import pytest
from redis.exceptions import NoScriptError, ResponseError

from runtime.scripts import ReadScript, Script


class Server:
    """Remembers what was asked, and knows the scripts that it was sent."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.refuses = False
        self._knows: set[str] = set()

    async def execute_command(self, command: str, script: str, *args: Any) -> Any:
        self.asked.append(command)
        if self.refuses:
            raise ResponseError("OOM")
        if command.startswith("EVALSHA") and not self._knows:
            raise NoScriptError("NOSCRIPT")
        self._knows.add(script)
        return list(args)


@pytest.mark.parametrize(
    ("kind", "by_hash", "whole"),
    [(Script, "EVALSHA", "EVAL"), (ReadScript, "EVALSHA_RO", "EVAL_RO")],
)
async def test_a_script_that_is_not_known_is_sent_whole_once(
    kind: type[Script], by_hash: str, whole: str
) -> None:
    server = Server()
    script = kind("return 1")
    for _ in range(2):
        assert await script.run(server, ["key"], ["a", 2]) == [1, "key", "a", 2]
    assert server.asked == [by_hash, whole, by_hash]


async def test_any_other_refusal_is_raised() -> None:
    server = Server()
    server.refuses = True
    with pytest.raises(ResponseError, match="OOM"):
        await Script("return 1").run(server, ["key"], [])
