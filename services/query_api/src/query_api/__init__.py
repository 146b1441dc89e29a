"""The query API: serves the live report and its rows to those who may read them."""
