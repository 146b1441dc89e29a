"""The `obzvon` command."""
