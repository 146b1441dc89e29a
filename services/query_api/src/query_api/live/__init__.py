"""Reports as they are served: computed once per change, kept encoded, sent to whoever watches."""
