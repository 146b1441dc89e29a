"""The projector: folds a topic of task events into the shards of the report."""
