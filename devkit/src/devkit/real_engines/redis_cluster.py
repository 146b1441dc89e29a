"""A Redis Cluster of six: three primaries, a replica each."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Self

from redis.exceptions import RedisError

from devkit.errors import StackError
from devkit.real_engines.node import Node, RealEngine, wait_until
from devkit.real_engines.redis import RedisNode, replication
from devkit.stack.engines import valkey_server
from devkit.stack.ports import HOST, free_port

NODE_TIMEOUT_MS = 2_000
"""Milliseconds without an answer after which a node of a Redis Cluster counts as failed."""

SLOTS = 16_384


class RealRedisCluster(RealEngine):
    """A Redis Cluster: three primaries with a replica each, by default of valkey-servers.

    If a primary is killed, its replica takes over after `NODE_TIMEOUT_MS` and an election.
    """

    def __init__(self, data_dir: Path, *, primaries: int = 3, binary: Path | None = None) -> None:
        super().__init__(data_dir)
        binary = binary or valkey_server()
        self.primaries = primaries
        self.nodes = [
            ClusterNode(f"Redis {number}", data_dir / f"node-{number}", binary)
            for number in range(1, 2 * primaries + 1)
        ]

    @property
    def url(self) -> str:
        """Address of a running node, from which a client learns the others."""
        living = next((node for node in self.nodes if node.is_running), self.nodes[0])
        return f"redis+cluster://{living.address}"

    def all_nodes(self) -> Sequence[Node]:
        return self.nodes

    def _use_other_ports(self) -> None:
        super()._use_other_ports()
        for node in self.nodes:
            node.bus_port = free_port()

    async def _start(self) -> None:
        await asyncio.gather(*(node.start() for node in self.nodes))
        first, *others = self.nodes
        for place, node in enumerate(self.nodes[: self.primaries]):
            begin = place * SLOTS // self.primaries
            end = (place + 1) * SLOTS // self.primaries - 1
            await node.ask("CLUSTER", "ADDSLOTSRANGE", begin, end)
            # Otherwise two nodes may have the same config epoch until they settle the conflict.
            await node.ask("CLUSTER", "SET-CONFIG-EPOCH", place + 1)
        for node in others:
            await node.ask("CLUSTER", "MEET", HOST, first.port, first.bus_port)
        await wait_until(self._all_know_all, "the cluster", self.nodes)
        for place, node in enumerate(self.nodes[self.primaries :]):
            await node.ask("CLUSTER", "REPLICATE", await self.nodes[place].id())
        await wait_until(self.is_whole, "the cluster", self.nodes)

    async def _all_know_all(self) -> bool:
        for node in self.nodes:
            known = await node.known()
            if len(known) < len(self.nodes) or any("handshake" in one.flags for one in known):
                return False
        return True

    async def is_whole(self) -> bool:
        """Returns whether every running node sees all slots served, and every replica is linked."""
        running = [node for node in self.nodes if node.is_running]
        replicas = 0
        for node in running:
            try:
                info = await node.ask("CLUSTER", "INFO")
                standing = await replication(node)
            except (RedisError, OSError):
                return False
            if "cluster_state:ok" not in info:
                return False
            if standing["role"] == "slave":
                replicas += 1
                if standing["master_link_status"] != "up":
                    return False
        return len(running) - replicas == self.primaries

    async def whole(self) -> None:
        """Wait until the cluster serves every slot, as after a failover or a node's return."""
        await wait_until(self.is_whole, "the cluster", ())

    async def primary_nodes(self) -> list["ClusterNode"]:
        """Returns the present primaries, in the order of the nodes."""
        running = [node for node in self.nodes if node.is_running]
        return [node for node in running if (await replication(node))["role"] == "master"]

    async def owner_of(self, slot: int) -> "ClusterNode":
        """Returns the primary that serves the slot."""
        for node in await self.primary_nodes():
            for one in await node.known():
                if "myself" in one.flags and any(slot in slots for slots in one.slots):
                    return node
        raise StackError(f"nobody serves slot {slot}")

    async def move_slot(self, slot: int, target: "ClusterNode", batch: int = 50) -> int:
        """Move a slot with its keys to another primary, as resharding does; returns how many keys."""
        source = await self.owner_of(slot)
        source_id, target_id = await source.id(), await target.id()
        await target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", source_id)
        await source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", target_id)
        moved = 0
        while keys := await source.ask("CLUSTER", "GETKEYSINSLOT", slot, batch):
            await source.ask("MIGRATE", HOST, target.port, "", 0, 5_000, "KEYS", *keys)
            moved += len(keys)
        for node in (target, source):
            await node.ask("CLUSTER", "SETSLOT", slot, "NODE", target_id)
        for node in await self.primary_nodes():
            if node not in (source, target):
                await node.ask("CLUSTER", "SETSLOT", slot, "NODE", target_id)
        return moved


class ClusterNode(RedisNode):
    def __init__(self, name: str, data_dir: Path, binary: Path) -> None:
        super().__init__(name, data_dir, binary)
        self.bus_port = free_port()

    def command(self) -> Sequence[str | Path]:
        return [
            *super().command(),
            *("--cluster-enabled", "yes", "--cluster-port", str(self.bus_port)),
            *("--cluster-node-timeout", str(NODE_TIMEOUT_MS), "--cluster-announce-ip", HOST),
            # A replica that lags may be promoted too, as in production.
            *("--cluster-replica-validity-factor", "0"),
        ]

    async def id(self) -> str:
        return str(await self.ask("CLUSTER", "MYID"))

    async def known(self) -> list["KnownNode"]:
        """Returns the nodes that this one knows, including itself."""
        return [KnownNode.read(line) for line in (await self.ask("CLUSTER", "NODES")).splitlines()]


class KnownNode(NamedTuple):
    """A line of CLUSTER NODES."""

    flags: frozenset[str]
    slots: tuple[range, ...]

    @classmethod
    def read(cls, line: str) -> Self:
        _, _, flags, _, _, _, _, _, *slots = line.split()
        # Slots that are moving are in brackets; their owner also lists them in a range.
        ends = [slot.split("-") for slot in slots if not slot.startswith("[")]
        ranges = tuple(range(int(end[0]), int(end[-1]) + 1) for end in ends)
        return cls(frozenset(flags.split(",")), ranges)
