"""What the tests of the fold share: histories, and a shard that is a dict of dicts."""
