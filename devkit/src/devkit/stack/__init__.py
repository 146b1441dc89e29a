"""The whole stack on one machine: its engines, processes, topics, issuer and data dir."""
