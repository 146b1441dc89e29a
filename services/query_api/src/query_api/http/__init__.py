"""What the routes share of HTTP: parameters, routers, and what the OpenAPI says of both."""
