"""The API's Prometheus metrics."""

import time
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from query_api.report.snapshot import Snapshot

REQUESTS: Final = Counter(
    "obzvon_api_requests_total", "Requests answered", ["route", "method", "status"]
)
SECONDS: Final = Histogram(
    "obzvon_api_request_seconds",
    "Seconds until an answer began",
    ["route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
IN_FLIGHT: Final = Gauge("obzvon_api_requests_in_flight", "Requests being answered, and streams")
VISIBLE_S: Final = Histogram(
    "obzvon_api_event_to_visible_seconds",
    "Seconds from an event's Kafka record to the report that shows it",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 15, 60),
)
READS: Final = Counter("obzvon_api_reads_total", "Reads of the shards", ["result"])
READ_S: Final = Histogram(
    "obzvon_api_read_seconds",
    "Seconds a read of the shards took",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)
REPORTS: Final = Counter(
    "obzvon_api_reports_total", "Reports answered, from memory (hit) or merged again", ["how"]
)
STREAMS: Final = Gauge("obzvon_api_streams_open", "Streams open")
STREAM_REPORTS: Final = Counter("obzvon_api_stream_reports_total", "Reports sent over streams")
AS_OF_AGE_S: Final = Gauge(
    "obzvon_api_as_of_age_seconds", "Age of the moment the figures are of; NaN if not known"
)
LAG: Final = Gauge("obzvon_api_lag_events", "Records that are not in the figures yet; NaN if stale")
STALE: Final = Gauge("obzvon_api_stale", "1 while the figures are marked stale")

STALE.set(1)

MAX_VISIBLE_S: Final = 3_600.0
"""An older record comes from a replay, and says nothing about how long an event takes."""


def observe_visible(before: Snapshot | None, after: Snapshot) -> None:
    """Observe how long the newest event of each shard that has moved took to be seen here."""
    if before is None or before.generation != after.generation:
        return
    now_ms = time.time() * 1000
    for was, shard in zip(before.shards, after.shards, strict=False):
        if was is None or shard is None or shard.meta.last_offset <= was.meta.last_offset:
            continue
        seconds = (now_ms - shard.meta.last_timestamp) / 1000
        if 0 <= seconds <= MAX_VISIBLE_S:
            VISIBLE_S.observe(seconds)
