"""Traces of what the projector does, if they are switched on (ADR 10)."""
