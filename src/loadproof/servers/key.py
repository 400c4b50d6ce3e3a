"""The API key, from where the server file says that it is found."""

import os
from pathlib import Path

from loadproof.model.errors import ConfigurationError
from loadproof.model.server import Key


def read_key(key: Key | None) -> str | None:
    """The key itself, without the blanks around it; None for a server without one.

    Raises ConfigurationError, which names the variable or the file and never what is in it.
    """
    if key is None:
        return None
    if key.env is not None:
        source = f"key.env: environment variable {key.env}"
        found = os.environ.get(key.env)
        if found is None:
            raise ConfigurationError(f"{source} is not set; expected the server's API key in it")
    else:
        path = Path(str(key.file)).expanduser()
        source = f"key.file: {path}"
        try:
            found = path.read_text(encoding="utf-8")
        except OSError as error:
            raise ConfigurationError(f"{source}: cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise ConfigurationError(f"{source}: not text; expected the API key alone") from None
    found = found.strip()
    if not found:
        raise ConfigurationError(f"{source} is empty; expected the server's API key in it")
    if not (found.isascii() and found.isprintable()) or " " in found:
        raise ConfigurationError(f"{source}: expected the API key alone, in one line of ASCII")
    return found


def key_headers(key: Key | None) -> dict[str, str]:
    """The request headers that carry the key; none where there is none.

    Raises ConfigurationError as `read_key` does.
    """
    secret = read_key(key)
    return {} if secret is None else {"Authorization": f"Bearer {secret}"}
