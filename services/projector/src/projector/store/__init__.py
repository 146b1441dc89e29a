"""The shards in Redis: one script through which every write goes."""
