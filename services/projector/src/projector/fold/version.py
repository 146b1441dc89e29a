"""The version of the fold, by which generations that are computed differently are distinguished."""

FOLD_VERSION = 2
"""Raise it with every change of the fold's rules or of a shard's layout: see ADR 1."""
