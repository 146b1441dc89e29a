"""The Kafka side: from records to batches, and from assignments to shards."""
