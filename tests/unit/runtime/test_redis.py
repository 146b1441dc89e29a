"""Connections and the errors worth retrying."""

import pytest
from redis import exceptions
from redis.asyncio import ConnectionPool
from redis.asyncio.cluster import RedisCluster

from runtime.redis import RETRYABLE, connect, use_primary_connections


@pytest.mark.parametrize("scheme", ["redis", "rediss"])
@pytest.mark.parametrize("is_packed", [True, False])
def test_a_single_server_is_reached_by_connections_that_follow_the_primary(
    scheme: str, is_packed: bool
) -> None:
    pool = connect(f"{scheme}://a:1", lifetime_s=7.0, is_packed=is_packed).connection_pool
    connection = pool.make_connection()
    assert connection._lifetime_s == 7.0
    assert type(connection).__name__.startswith("Packed" if is_packed else "Primary")
    assert ("SSL" in type(connection).__name__) == (scheme == "rediss")


def test_connections_to_a_socket_of_this_machine_stay_as_they_are() -> None:
    pool = ConnectionPool.from_url("unix:///run/redis.sock")
    before = pool.connection_class
    use_primary_connections(pool, lifetime_s=7.0)
    assert pool.connection_class is before
    pool.make_connection()  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("packed", [True, False])
def test_packed_or_not_a_command_is_the_same_bytes(packed: bool) -> None:
    connection = connect("redis://a:1", lifetime_s=7.0, is_packed=packed).connection_pool
    sent = b"".join(connection.make_connection().pack_command("MEMORY USAGE", "ключ", 7, b"\x00"))
    assert (
        sent
        == b"*5\r\n$6\r\nMEMORY\r\n$5\r\nUSAGE\r\n$8\r\n\xd0\xba\xd0\xbb\xd1\x8e\xd1\x87\r\n$1\r\n7\r\n$1\r\n\x00\r\n"
    )


def test_a_cluster_is_a_client_of_its_own() -> None:
    assert isinstance(connect("redis+cluster://a:1", lifetime_s=7.0), RedisCluster)


@pytest.mark.parametrize(
    "error",
    [
        exceptions.BusyLoadingError,
        exceptions.ClusterDownError,
        exceptions.InvalidResponse,
        exceptions.MaxConnectionsError,
        exceptions.NoPermissionError,
        exceptions.OutOfMemoryError,
        exceptions.ReadOnlyError,
        exceptions.SlotNotCoveredError,
        exceptions.TimeoutError,
        exceptions.TryAgainError,
        ConnectionRefusedError,
        TimeoutError,
    ],
)
def test_temporary_errors_are_retried(error: type[Exception]) -> None:
    assert issubclass(error, RETRYABLE)


@pytest.mark.parametrize(
    "error", [exceptions.DataError, exceptions.LockError, exceptions.WatchError]
)
def test_errors_of_wrong_use_of_redis_are_not_retried(error: type[Exception]) -> None:
    assert not issubclass(error, RETRYABLE)
