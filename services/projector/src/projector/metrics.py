"""What the projector counts about itself, in Prometheus' terms."""

from prometheus_client import Counter, Gauge, Histogram

RECORDS = Counter("obzvon_records_total", "Records applied", ["partition"])
DEAD = Counter("obzvon_dead_letters_total", "Records sent to the dead letters", ["reason"])
FORWARDED = Counter("obzvon_forwarded_total", "Records sent on to their own partition")
RESTORES = Counter("obzvon_restores_total", "Times a shard was claimed and read anew", ["reason"])
PARKED = Gauge("obzvon_parked", "1 while the shard is parked", ["partition"])
FOREIGN = Gauge(
    "obzvon_foreign", "1 while this projector's fingerprint is not the live generation's"
)
LIVE = Gauge("obzvon_live", "1 while the shard is applied to by this process", ["partition"])
LAG = Gauge(
    "obzvon_lag_records", "Records between the shard and the end of its partition", ["partition"]
)
AS_OF = Gauge("obzvon_as_of_seconds", "Moment through which the shard is complete", ["partition"])
BATCH_S = Histogram(
    "obzvon_batch_seconds",
    "Seconds from a batch of one partition to its last write",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)
RETENTION_PARKED = Gauge(
    "obzvon_retention_parked", "1 while this clock is too far from Redis' clock"
)
UNSAFE_TOPIC_SETTINGS = Gauge(
    "obzvon_topic_doubts", "Settings of the events topic that would lose events the report needs"
)
EVICTING_SERVERS = Gauge(
    "obzvon_redis_evicts", "Redis servers whose maxmemory-policy may evict what the report counts"
)
