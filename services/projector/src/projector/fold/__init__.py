"""The pure core: from a task's events to its contacts, and from contacts to the report's cells.

Nothing here does I/O or asks for the time.
"""
