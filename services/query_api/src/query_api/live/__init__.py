"""Reports as they are served: computed once per change, cached, and pushed to open streams."""
