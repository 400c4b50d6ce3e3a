"""What a user or a server can do wrong. Each carries one line to show; none wants a traceback."""


class LoadproofError(Exception):
    """An error with a message made to be shown as it is, in one line."""


class ConfigurationError(LoadproofError):
    """A file, an option or an objective that cannot be used.

    The message names the file, the key, the value and what was expected.
    """


class ServerFailedError(LoadproofError):
    """The server under test did not start, was never ready, or died."""


class RunUnreadableError(LoadproofError):
    """A run directory that is missing, empty, or of a schema newer than this version reads."""


class RunUnwritableError(LoadproofError):
    """A run directory that takes no more: the disk is full, or it was removed or protected."""
