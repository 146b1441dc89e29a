"""``python -m devkit.real_engines fetch``: fetch and find everything before the tests need it."""

import argparse
import sys

from devkit.errors import StackError
from devkit.real_engines.fetch import fetch_kafka, find_java
from devkit.real_engines.redis import find_redis_server


def main() -> None:
    parser = argparse.ArgumentParser(description="The engines of production, for tests")
    parser.add_argument("command", choices=["fetch"])
    parser.parse_args()
    try:
        find_java()
        find_redis_server()
        fetch_kafka(say=lambda line: print(line, flush=True))
    except StackError as error:
        sys.stderr.write(f"real engines: {error}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
