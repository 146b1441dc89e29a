"""The error of devkit: one line for a person."""


class StackError(Exception):
    """Something cannot start or cannot be reached; its text is one line that says what to do."""
