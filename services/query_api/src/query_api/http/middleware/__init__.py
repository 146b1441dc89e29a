"""Pure ASGI middlewares, one module each: they cost a microsecond or two and buffer no stream."""
