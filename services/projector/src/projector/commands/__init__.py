"""The commands of `python -m projector`: one module each, which parses, calls and prints."""
