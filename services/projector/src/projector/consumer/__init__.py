"""The Kafka side: from records to batches, and from assignments to shards."""

from projector.consumer.headers import read_any_header_name

read_any_header_name()
