"""Reads the shards in Redis and keeps a picture of them that is as new as they are."""
