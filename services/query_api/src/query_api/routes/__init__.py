"""What the API answers over HTTP."""
