"""Reads the shards in Redis and keeps an up-to-date snapshot of them."""
