"""`python -m loadproof`, the same as `loadproof`."""

from loadproof.cli import main

if __name__ == "__main__":
    main()
