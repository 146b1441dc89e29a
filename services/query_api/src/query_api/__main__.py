"""`python -m query_api`."""

from query_api.main import main

if __name__ == "__main__":
    main()
