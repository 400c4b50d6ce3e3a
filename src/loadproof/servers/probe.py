"""One small request to a server, outside of any measurement."""

import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from loadproof import __version__

_LONGEST_BODY_BYTES = 4 * 1024 * 1024


class UnreachableError(Exception):
    """There was no HTTP answer; the message says why, in a few words."""


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP answer, whatever its status."""

    status: int
    body: bytes

    def json(self) -> dict[str, Any] | None:
        """The object in the body of a successful answer; None where there is none."""
        if self.status != http.client.OK:
            return None
        try:
            found = json.loads(self.body)
        except ValueError:
            return None
        return found if isinstance(found, dict) else None


def get(url: str, path: str, key: str | None = None, timeout_s: float = 5.0) -> Response:
    """The answer to GET `path` under the server's `url`. `timeout_s` bounds each wait.

    Redirects are answers like any other: the key goes to no other address. Proxies are not asked,
    as they are not in the measurement either. Raises UnreachableError.
    """
    return _ask(url, path, None, key, timeout_s)


def post(
    url: str, path: str, body: bytes, key: str | None = None, timeout_s: float = 60.0
) -> Response:
    """The answer to POST of the JSON `body`; else as `get`."""
    return _ask(url, path, body, key, timeout_s)


def _ask(url: str, path: str, body: bytes | None, key: str | None, timeout_s: float) -> Response:
    parts = urlsplit(url)
    connect = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = connect(str(parts.hostname), parts.port, timeout=timeout_s)
    headers = {"User-Agent": f"loadproof/{__version__}", "Accept": "*/*"}
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    if body is not None:
        headers["Content-Type"] = "application/json"
    method = "GET" if body is None else "POST"
    try:
        connection.request(method, parts.path.rstrip("/") + path, body, headers)
        answer = connection.getresponse()
        return Response(answer.status, answer.read(_LONGEST_BODY_BYTES))
    except OSError as error:
        raise UnreachableError(error.strerror or str(error) or type(error).__name__) from None
    except http.client.HTTPException as error:
        raise UnreachableError(f"no HTTP answer ({type(error).__name__})") from None
    finally:
        connection.close()
