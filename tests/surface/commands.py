"""What the commands answer: their exit codes, and, in files of their own, their words."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from surface.checkout import Checkout, Ran

_PROJECTOR = {
    "OBZVON_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
    "OBZVON_REDIS_URL": "redis://127.0.0.1:1/0",
}
_API = {"OBZVON_REDIS_URL": "redis://127.0.0.1:1/0", "OBZVON_OIDC_ISSUER": "https://i.example"}

_ARGUMENTS = (
    "obzvon",
    "obzvon --help",
    *(f"obzvon {name} --help" for name in ("up", "demo", "publish", "simulate", "token", "watch")),
    "obzvon verify --help",
    "obzvon no-such-command",
    "obzvon up --kafka-port 70000",
    "obzvon token --data-dir no-such-folder",
    "obzvon watch --data-dir no-such-folder --once",
    "obzvon publish --bootstrap 127.0.0.1:1 no-such-file.jsonl",
    "obzvon simulate --date not-a-date",
    *(
        f"python -m projector {name} --help"
        for name in ("run", "verify", "rebuild", "redrive", "repartition")
    ),
    "python -m projector",
    "python -m projector no-such-command",
    "python -m projector verify --generation",
    "python -m projector rebuild --keep-s -1",
    "python -m projector rebuild --keep-s soon",
    "python -m projector redrive --since 2026-11-24",
    "python -m projector redrive --limit 0",
    "python -m projector repartition",
    "python -m projector repartition --to-topic t --partitions 0",
    "python -m projector run --accept-through -1",
    "python -m query_api",
    "python -m query_api no-such-command",
    "python -m query_api keys",
    *(f"python -m query_api keys {name} --help" for name in ("create", "list", "revoke")),
    "python -m query_api keys list",
    "python -m contracts.schemas --help",
    "python -m contracts.schemas --check",
    "python -m contracts.schemas --dir no-such-folder",
)

_BAD_REDIS = (
    "http://a",
    "redis://a:port/0",
    "redis://u:secret@a/x",
    "redis://a,b/0",
    "redis://a/0?no_such_option=1",
)

_WRONG = {
    "projector": (
        *(("OBZVON_REDIS_URL", value) for value in _BAD_REDIS),
        ("OBZVON_KAFKA_BOOTSTRAP_SERVERS", ""),
        ("OBZVON_KAFKA_SECURITY_PROTOCOL", "TLS"),
        ("OBZVON_KAFKA_SSL_CAFILE", "no-such-file"),
        ("OBZVON_EVENTS_TOPIC", ""),
        ("OBZVON_TIMEZONE", "Europe/Nowhere"),
        ("OBZVON_DAY_END", "25:00"),
        ("OBZVON_DAY_END", "9:00"),
        ("OBZVON_RETENTION_DAYS", "0"),
        ("OBZVON_PROJECTOR_PORT", "70000"),
        ("OBZVON_ON_FOREIGN", "panic"),
        ("OBZVON_LOG_LEVEL", "loud"),
        ("OBZVON_TRACES_ENDPOINT", "collector:4318"),
        ("OBZVON_TRACES_SAMPLE", "2"),
    ),
    "query_api": (
        *(("OBZVON_REDIS_URL", value) for value in _BAD_REDIS),
        ("OBZVON_OIDC_ISSUER", "http://issuer.example"),
        ("OBZVON_OIDC_ISSUER", "issuer"),
        ("OBZVON_OIDC_ROLE_HEAD", "quality_control"),
        ("OBZVON_OIDC_CLIENT_ID", "web"),
        ("OBZVON_ACCESS_REDIS_URL", "http://a"),
        ("OBZVON_RATE_LIMIT", "many"),
        ("OBZVON_RATE_LIMIT", "1/second;2/minute"),
        ("OBZVON_CORS_ORIGINS", "https://page.example/path"),
        ("OBZVON_TRUSTED_PROXIES", "somewhere"),
        ("OBZVON_PUBLIC_URL", "https://obzvon.example/path"),
        ("OBZVON_TIMEZONE", "Europe/Nowhere"),
        ("OBZVON_DAY_END", "24:01"),
        ("OBZVON_API_PORT", "70000"),
        ("OBZVON_STALE_AFTER_S", "0"),
        ("OBZVON_NOW", "today"),
        ("OBZVON_LOG_LEVEL", "loud"),
        ("OBZVON_TRACES_ENDPOINT", "collector:4318"),
        ("OBZVON_TRACES_SAMPLE", "2"),
    ),
}


def answer_commands(checkout: Checkout) -> Iterator[tuple[str, str]]:
    """(file name, text): the exit codes, and in `words-…` what was printed."""
    calls: list[tuple[str, list[str], dict[str, str]]] = [
        (line, line.split(), {}) for line in _ARGUMENTS
    ]
    for service, given in (("projector", _PROJECTOR), ("query_api", _API)):
        command = ["python", "-m", service]
        calls += [
            (f"{name}={value} {' '.join(command)}", command, {**given, name: value})
            for name, value in _WRONG[service]
        ]

    def called(call: tuple[str, list[str], dict[str, str]]) -> tuple[str, Ran]:
        label, words, env = call
        return label, checkout.run(*words, env=env)

    with ThreadPoolExecutor(2) as pool:
        answers = dict(pool.map(called, calls))
    codes = {label: ran.code for label, ran in answers.items()}
    yield "exit-codes.json", json.dumps(codes, ensure_ascii=False, indent=1) + "\n"
    yield (
        "words-commands.txt",
        "".join(f"$ {label}\n{ran.out}{ran.err}\n" for label, ran in answers.items()),
    )
