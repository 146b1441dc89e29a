"""Keys for wallboards, created by the command an operator uses."""

import asyncio
from typing import Any

import pytest

from query_api.auth import commands


class Keys:
    """The command `keys` as it is run in a terminal."""

    def __init__(self, url: str, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
        monkeypatch.setenv("OBZVON_ACCESS_REDIS_URL", url)
        self._capsys = capsys

    async def __call__(self, *argv: str) -> tuple[int, str, str]:
        """(exit code, stdout, stderr)"""
        self._capsys.readouterr()
        code = await asyncio.to_thread(commands.keys, argv)
        out, err = self._capsys.readouterr()
        return code, out, err

    async def create(self, name: str = "Hall 2", *options: str) -> str:
        code, out, err = await self("create", name, *options)
        assert code == 0, err
        return str(out.strip())
