"""The projector as a process: settings, logs, patch, supervisor, health."""

import structlog
import uvicorn

from projector.consumer import aiokafka_patch
from projector.health import health_app
from projector.settings import Settings
from projector.supervisor import Supervisor
from runtime.logs import configure_logs
from runtime.process import exit_on_signals, freeze_garbage
from runtime.version import VERSION


def run(
    settings: Settings, *, accept_through: int | None = None, partition: int | None = None
) -> None:
    """Run until SIGTERM or SIGINT."""
    configure_logs(settings.log_level, traced=settings.traces_endpoint is not None)
    structlog.get_logger().info("started", version=VERSION)
    aiokafka_patch.install()
    tune_collector()
    supervisor = Supervisor(settings, accept_through=accept_through, partition=partition)
    exit_on_signals()
    uvicorn.run(
        health_app(supervisor.running(), supervisor.not_ready),
        host=settings.projector_host,
        port=settings.projector_port,
        log_level="warning",
        access_log=False,
    )


def tune_collector() -> None:
    """Look for reference cycles rarely: the caches are millions of objects without one."""
    freeze_garbage((100_000, 50, 1_000))
