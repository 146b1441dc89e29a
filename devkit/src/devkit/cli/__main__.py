"""``python -m devkit.cli`` is `obzvon`."""

from devkit.cli.app import app

if __name__ == "__main__":
    app()
