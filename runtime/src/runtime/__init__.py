"""What a process needs to run. It knows no report, and imports no other member of this project."""
