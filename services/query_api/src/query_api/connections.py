"""Connections to a Redis behind a name that may lead to another server after a failover."""

import time
from typing import Any, Final

from redis.asyncio.connection import AbstractConnection, Connection, ConnectionPool, SSLConnection
from redis.exceptions import ConnectionError, ReadOnlyError  # noqa: A004 -- redis-py's own

CONNECTION_S: Final = 10.0
"""Seconds after which a connection is made anew."""


class _Primary(AbstractConnection):
    """Stays with the primary, where its name leads to another server after a failover.

    A primary that was demoted keeps its connections. So each is made anew from time to time, and
    at once if it answers that it may only be read.
    """

    _since = 0.0

    async def connect(self) -> None:
        """As redis-py's, which calls it before each use."""
        if self.is_connected and time.monotonic() - self._since > CONNECTION_S:
            await self.disconnect()
        if not self.is_connected:
            self._since = time.monotonic()
        await super().connect()  # type: ignore[no-untyped-call]

    async def read_response(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return await super().read_response(*args, **kwargs)
        except ReadOnlyError as error:
            await self.disconnect(nowait=True)
            raise ConnectionError("it is a replica now") from error


class PrimaryConnection(_Primary, Connection):
    pass


class PrimarySSLConnection(_Primary, SSLConnection):
    pass


def stay_with_the_primary(pool: ConnectionPool) -> None:
    """Have a new pool make such connections; those to a socket on this machine stay as they are."""
    if pool.connection_class is Connection:
        pool.connection_class = PrimaryConnection
    elif pool.connection_class is SSLConnection:
        pool.connection_class = PrimarySSLConnection
