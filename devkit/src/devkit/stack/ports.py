"""Ports of 127.0.0.1: free ones, wanted ones, and whether a server answers."""

import asyncio
import socket

from devkit.errors import StackError

HOST = "127.0.0.1"
"""The only address that anything here is bound to."""

_given: set[int] = set()
"""Ports that were returned and may not be bound yet; the system would offer them again."""


def free_port() -> int:
    """Returns a port of 127.0.0.1 on which no process listens now, another one each time."""
    while True:
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            port = int(probe.getsockname()[1])
        if port not in _given:
            _given.add(port)
            return port


def port_is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As the servers do: a connection that has just ended does not occupy the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def claim_port(wanted: int, option: str, what: str) -> int:
    """Returns the wanted port, or any free one for 0; a port in use is a `StackError`."""
    if wanted == 0:
        return free_port()
    if not port_is_free(wanted):
        raise StackError(
            f"port {wanted} on {HOST} is in use, {what} cannot listen there: "
            f"choose another one with {option}, or 0 for any free one"
        )
    return wanted


async def port_answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(HOST, port)
    except OSError:
        return False
    writer.close()
    return True
