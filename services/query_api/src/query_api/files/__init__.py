"""The report's table as a file that people open."""
