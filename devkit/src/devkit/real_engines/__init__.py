"""The engines of production, for tests and benchmarks that need them: Apache Kafka and Redis.

Kafka comes from its Maven artifacts and runs on the machine's Java, as one broker or a cluster.
Redis is Debian's redis-server (or any other in the PATH), alone, with a replica, or as a Cluster
of six. Everything is bound to 127.0.0.1, on free ports, and ended by its own process id; its data
dir is not removed.
"""

from devkit.real_engines.fetch import KAFKA_VERSION, fetch_kafka
from devkit.real_engines.kafka import RealKafka
from devkit.real_engines.redis import RealRedis, RedisPair, find_redis_server, redis_version
from devkit.real_engines.redis_cluster import RealRedisCluster

__all__ = [
    "KAFKA_VERSION",
    "RealKafka",
    "RealRedis",
    "RealRedisCluster",
    "RedisPair",
    "fetch_kafka",
    "find_redis_server",
    "redis_version",
]
