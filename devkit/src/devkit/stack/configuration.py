"""How a stack is set up: its options, ports, settings and the commands of its services."""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from devkit.errors import StackError
from devkit.stack.engines import EmbeddedKafka, EmbeddedRedis
from devkit.stack.issuer.tokens import AUDIENCE, CLIENT_ID, ROLES_CLAIM, issuer_url
from devkit.stack.ports import HOST, claim_port, free_port, port_is_free
from devkit.stack.state import DEFAULT_DATA_DIR, StackState
from devkit.stack.topics import PARTITIONS

_USUAL_PORTS = {"kafka": 9092, "redis": 6379, "issuer": 8090, "projector": 8081, "api": 8080}

_REPLACED = ("OBZVON_KAFKA_", "OBZVON_REDIS_", "OBZVON_ACCESS_REDIS_", "OBZVON_OIDC_")
"""How settings begin that the stack does not pass on: they name other engines."""

_SECRETS = ("SECRET", "PASSWORD", "TOKEN")
"""Settings whose name contains one of these are not written to the state file."""


@dataclass(frozen=True)
class StackOptions:
    """The options of `up` and `demo`. A port that is None is the usual one, or any if it is taken."""

    data_dir: Path = DEFAULT_DATA_DIR
    fresh: bool = False
    kafka_port: int | None = None
    redis_port: int | None = None
    api_port: int | None = None
    partitions: int = PARTITIONS


def log_file(data_dir: Path, name: str) -> Path:
    return data_dir / "logs" / f"{name}.log"


def service_commands(data_dir: Path, ports: Mapping[str, int]) -> dict[str, list[str]]:
    return {
        "issuer": [
            *(sys.executable, "-m", "devkit.stack.issuer"),
            *("--data-dir", str(data_dir / "issuer"), "--port", str(ports["issuer"])),
        ],
        "projector": [sys.executable, "-m", "devkit.stack.embedded_fetch", "projector"],
        "API": [sys.executable, "-m", "query_api"],
    }


def inherited_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(_REPLACED)}


def describe_stack(
    data_dir: Path, ports: Mapping[str, int], kafka: EmbeddedKafka, server: EmbeddedRedis
) -> StackState:
    inherited = inherited_environment()
    api = f"http://{HOST}:{ports['api']}"
    issuer = issuer_url(ports["issuer"])
    given = {
        name: value
        for name, value in inherited.items()
        if name.startswith("OBZVON_") and not any(secret in name for secret in _SECRETS)
    }
    events = given.get("OBZVON_EVENTS_TOPIC", "task-events")
    dead_letters = given.get("OBZVON_DEAD_LETTER_TOPIC", f"{events}.dlq")
    return StackState(
        pid=os.getpid(),
        data_dir=data_dir,
        api=api,
        issuer=issuer,
        projector=f"http://{HOST}:{ports['projector']}",
        kafka=kafka.bootstrap,
        redis=server.url,
        events_topic=events,
        dead_letter_topic=dead_letters,
        children={},
        settings={
            **given,
            "OBZVON_KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap,
            "OBZVON_EVENTS_TOPIC": events,
            "OBZVON_DEAD_LETTER_TOPIC": dead_letters,
            "OBZVON_REDIS_URL": server.url,
            "OBZVON_ACCESS_REDIS_URL": f"redis://{server.address}/1",
            "OBZVON_PROJECTOR_HOST": HOST,
            "OBZVON_PROJECTOR_PORT": str(ports["projector"]),
            "OBZVON_API_HOST": HOST,
            "OBZVON_API_PORT": str(ports["api"]),
            "OBZVON_PUBLIC_URL": api,
            "OBZVON_OIDC_ISSUER": issuer,
            "OBZVON_OIDC_AUDIENCE": AUDIENCE,
            "OBZVON_OIDC_JWKS_URL": f"{issuer}/jwks",
            "OBZVON_OIDC_ROLES_CLAIM": ROLES_CLAIM,
            "OBZVON_OIDC_CLIENT_ID": CLIENT_ID,
        },
    )


def choose_ports(data_dir: Path, options: StackOptions) -> dict[str, int]:
    """Returns the port of each process by its name.

    A given port must be free, otherwise this is a `StackError`. A port that is not given is the
    previous run's or the usual one if that is free, otherwise any.
    """
    given = {
        "kafka": options.kafka_port,
        "redis": options.redis_port,
        "api": options.api_port,
    }
    try:
        preferred = {**_USUAL_PORTS, **json.loads((data_dir / "ports.json").read_text())}
    except (OSError, ValueError, TypeError):
        preferred = _USUAL_PORTS
    chosen: dict[str, int] = {}
    for name in sorted(_USUAL_PORTS, key=lambda name: given.get(name) is None):
        wanted = given.get(name)
        if wanted is not None:
            chosen[name] = claim_port(wanted, f"--{name}-port", name)
            if list(chosen.values()).count(chosen[name]) > 1:
                raise StackError(f"port {wanted} is given twice: choose different ports")
        else:
            port = preferred[name]
            is_ours = port not in chosen.values() and port_is_free(port)
            chosen[name] = port if is_ours else free_port()
    return chosen
