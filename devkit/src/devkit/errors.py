"""What goes wrong around the stack, as one line for a person."""


class StackError(Exception):
    """Something in the stack cannot start, or cannot be reached: one line that says what to do."""
