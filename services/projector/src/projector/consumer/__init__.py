"""The live way: from the consumer group's assignments and records to changes of shards."""
