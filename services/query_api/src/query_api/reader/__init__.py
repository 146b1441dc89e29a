"""Reads the shards in Redis and keeps a snapshot of them that is as new as they are."""
