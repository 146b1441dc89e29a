"""A simulated call-out day, and a real campaign, as events."""
