"""``python -m devkit.stack.issuer --data-dir DIR --port P`` serves it; `obzvon up` does so."""

import argparse
from pathlib import Path

import uvicorn

from devkit.stack.issuer.tokens import Issuer, issuer_url
from devkit.stack.issuer.web import create_app
from devkit.stack.ports import HOST


def main() -> None:
    parser = argparse.ArgumentParser(description="The development OIDC issuer")
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    app = create_app(Issuer.open(options.data_dir, issuer_url(options.port)))
    uvicorn.run(app, host=HOST, port=options.port, log_level="warning")


if __name__ == "__main__":
    main()
