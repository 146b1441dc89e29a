"""What an operator runs alongside the projectors: rebuild, verify, redrive, repartition."""
