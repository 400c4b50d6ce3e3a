"""Plain data and nothing else, and the reading and checking of the TOML that it comes from.

The ground floor: it imports no other room of loadproof.
"""
