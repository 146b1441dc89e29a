"""The development OIDC issuer: keys, tokens and a login page for trying things out."""
