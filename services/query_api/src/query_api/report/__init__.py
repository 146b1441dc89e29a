"""The pure core of the API: from what the shards hold to the report and the rows behind it.

Nothing here does I/O or reads a clock.
"""
