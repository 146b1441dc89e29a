"""Traces of what the API does, if they are switched on (ADR 10)."""
