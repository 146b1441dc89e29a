"""What Obzvon's services agree on: the events, the report, and the layout of a shard in Redis."""
