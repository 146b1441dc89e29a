"""The command line: `python -m query_api` serves; `openapi` and `keys` are commands of it."""

import json
import sys

from query_api.main import create_app, serve
from query_api.settings import Settings, load_settings


def main(argv: list[str]) -> None:
    match argv:
        case []:
            serve(load_settings())
        case ["openapi"]:
            print(openapi())
        case ["keys", *arguments]:
            from query_api.auth.commands import keys

            sys.exit(keys(arguments))
        case other:
            sys.exit(
                f"query_api: there is no command {other[0]!r}; there are: (none), keys and openapi"
            )


def openapi() -> str:
    """Returns the OpenAPI document of an API with default settings, as it is committed."""
    settings = Settings(redis_url="redis://redis.example", oidc_issuer="https://issuer.example")
    document = create_app(settings).openapi()
    return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
