"""Apache Kafka in KRaft mode, as one broker or a cluster."""

import asyncio
import os
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from devkit.errors import StackError
from devkit.real_engines.certificates import make_certificates
from devkit.real_engines.fetch import KAFKA_VERSION, fetch_kafka, find_java
from devkit.real_engines.node import Node, RealEngine, wait_until
from devkit.stack.ports import HOST, free_port, port_answers


class KafkaNode(Node):
    """A broker that is also a controller."""

    def __init__(self, number: int, data_dir: Path, cluster: "RealKafka") -> None:
        super().__init__(f"Kafka {number}", data_dir)
        self.number = number
        self.controller_port = free_port()
        self.secure_port = free_port()
        self._cluster = cluster

    def environment(self) -> Mapping[str, str]:
        return {**os.environ, "KAFKA_HEAP_OPTS": ""}

    def write_properties(self) -> Path:
        voters = ",".join(
            f"{node.number}@{HOST}:{node.controller_port}" for node in self._cluster.nodes.values()
        )
        count = len(self._cluster.nodes)
        replicas = str(min(count, 3))
        settings = {
            "process.roles": "broker,controller",
            "node.id": str(self.number),
            "controller.quorum.voters": voters,
            "controller.listener.names": "CONTROLLER",
            "listeners": f"PLAINTEXT://{self.address},CONTROLLER://{HOST}:{self.controller_port}",
            "advertised.listeners": f"PLAINTEXT://{self.address}",
            "log.dirs": str(self.data_dir / "data"),
            "auto.create.topics.enable": "false",
            "offsets.topic.num.partitions": "5",
            "offsets.topic.replication.factor": replicas,
            "transaction.state.log.num.partitions": "5",
            "transaction.state.log.replication.factor": replicas,
            "transaction.state.log.min.isr": str(min(count, 2)),
            "min.insync.replicas": str(min(count, 2)),
            "group.initial.rebalance.delay.ms": "0",
            # The cluster notices a dead broker soon, so that a failover test is short.
            "broker.session.timeout.ms": "6000",
            "broker.heartbeat.interval.ms": "1000",
            "controller.quorum.election.timeout.ms": "1000",
            "controller.quorum.fetch.timeout.ms": "2000",
            **self._secure_settings(),
            **self._cluster.settings,
        }
        path = self.data_dir / "server.properties"
        self.data_dir.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        return path

    def _secure_settings(self) -> dict[str, str]:
        """Returns the settings of a second listener for clients, with TLS and a password."""
        certificates = self._cluster.certificates
        if certificates is None:
            return {}
        listeners = f"PLAINTEXT://{self.address},SECURE://{HOST}:{self.secure_port}"
        return {
            "listeners": f"{listeners},CONTROLLER://{HOST}:{self.controller_port}",
            "advertised.listeners": listeners,
            "listener.security.protocol.map": (
                "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURE:SASL_SSL"
            ),
            "sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "listener.name.secure.scram-sha-512.sasl.jaas.config": (
                "org.apache.kafka.common.security.scram.ScramLoginModule required;"
            ),
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(certificates.bundle),
        }

    def java(self, main_class: str, *arguments: str | Path) -> list[str | Path]:
        home = self._cluster.home
        return [
            self._cluster.java,
            *("-Xms128m", f"-Xmx{self._cluster.heap}", "-XX:+UseSerialGC", "-XX:-UsePerfData"),
            *("-Djava.awt.headless=true", f"-Dlog4j2.configurationFile={home / 'log4j2.yaml'}"),
            *("-cp", f"{home / 'libs'}/*", main_class, *arguments),
        ]

    def command(self) -> Sequence[str | Path]:
        return self.java("kafka.Kafka", self.data_dir / "server.properties")

    async def format(self) -> None:
        """Prepare its storage; does nothing if that is done."""
        path = self.write_properties()
        words = self.java(
            "kafka.tools.StorageTool",
            *("format", "--ignore-formatted", "-t", self._cluster.cluster_id, "-c", path),
            *self._cluster.scram_credentials(),
        )
        process = await asyncio.create_subprocess_exec(
            *map(str, words),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        if process.returncode != 0:
            raise StackError(
                f"the storage of {self.name} cannot be formatted: "
                f"{' | '.join(output.decode(errors='replace').splitlines()[-3:])}"
            )


class RealKafka(RealEngine):
    """Apache Kafka: one broker, or a cluster whose brokers are numbered from 1.

    `settings` override ours in each broker's server.properties. If `secure`, it has a second
    listener, `secure_bootstrap`, with TLS and SCRAM-SHA-512 for its user.
    """

    user, password = "obzvon", "a-secret-of-the-test"

    def __init__(
        self,
        data_dir: Path,
        brokers: int = 1,
        *,
        settings: Mapping[str, str] | None = None,
        heap: str = "512m",
        home: Path | None = None,
        secure: bool = False,
    ) -> None:
        super().__init__(data_dir)
        self.settings = dict(settings or {})
        self.heap = heap
        self.java = find_java()
        self.home = home or fetch_kafka()
        self.certificates = make_certificates(data_dir / "certificates") if secure else None
        self.cluster_id = uuid.uuid4().hex[:22]
        self.nodes = {
            number: KafkaNode(number, data_dir / f"kafka-{number}", self)
            for number in range(1, brokers + 1)
        }

    @property
    def bootstrap(self) -> str:
        """All brokers, so that a client finds the cluster while any of them runs."""
        return ",".join(node.address for node in self.nodes.values())

    @property
    def secure_bootstrap(self) -> str:
        """The brokers' listeners with TLS and SASL."""
        return ",".join(f"{HOST}:{node.secure_port}" for node in self.nodes.values())

    def scram_credentials(self) -> list[str]:
        """Returns the arguments of StorageTool that create the user."""
        if self.certificates is None:
            return []
        return ["--add-scram", f"SCRAM-SHA-512=[name={self.user},password={self.password}]"]

    @property
    def description(self) -> str:
        count = len(self.nodes)
        return f"Apache Kafka {KAFKA_VERSION} (KRaft), {count} broker{'' if count == 1 else 's'}"

    def all_nodes(self) -> Sequence[Node]:
        return list(self.nodes.values())

    def _use_other_ports(self) -> None:
        super()._use_other_ports()
        for node in self.nodes.values():
            node.controller_port, node.secure_port = free_port(), free_port()

    async def _start(self) -> None:
        await asyncio.gather(*(node.format() for node in self.nodes.values()))
        for node in self.nodes.values():
            node.launch()
        await self.ready()

    async def ready(self, *numbers: int) -> None:
        """Wait until these brokers, or all, answer and know every broker that runs."""
        asked = [self.nodes[number] for number in numbers] or list(self.nodes.values())

        async def all_count_all() -> bool:
            running = {node.number for node in self.nodes.values() if node.is_running}
            for node in asked:
                if not await port_answers(node.port) or await _brokers(node.address) != running:
                    return False
            return True

        await wait_until(all_count_all, "Kafka", asked)

    def kill(self, number: int | None = None) -> None:
        """Kill a broker, or all of them, as a crash would."""
        for node in self.nodes.values():
            if number in (None, node.number):
                node.kill()

    async def stop(self, number: int) -> None:
        """Stop a broker gracefully: it hands over its partitions first."""
        await self.nodes[number].stop()

    async def start(self, number: int) -> None:
        """Start a broker that has ended, and wait until the cluster knows it again."""
        self.nodes[number].launch()
        await self.ready(number)

    async def in_sync(self) -> None:
        """Wait until all replicas of all partitions are in sync."""

        async def is_whole() -> bool:
            admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap, request_timeout_ms=5_000)
            try:
                await admin.start()
                topics = await admin.describe_topics()
            except (KafkaError, OSError):
                return False
            finally:
                await admin.close()
            return all(
                set(partition["isr"]) == set(partition["replicas"])
                for topic in topics
                for partition in topic["partitions"]
            )

        await wait_until(is_whole, "Kafka's replication", ())


async def _brokers(address: str) -> set[int]:
    """Returns the ids of the live brokers that one of them knows; none if it does not answer."""
    admin = AIOKafkaAdminClient(bootstrap_servers=address, request_timeout_ms=5_000)
    try:
        await admin.start()
        described = await admin.describe_cluster()
        await admin.list_topics()
    except (KafkaError, OSError):
        return set()
    finally:
        await admin.close()
    return {broker["node_id"] for broker in described["brokers"]}
