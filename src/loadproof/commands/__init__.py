"""What each command of `loadproof` does, once its arguments are parsed."""
