"""Whom requests go to, and what every request to it says."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import SplitResult, urlsplit

from loadproof import __version__
from loadproof.model.errors import ConfigurationError

_SHORTEST_SECRET = 6
_TELLING_BEGIN = 8
_BLOT = "[concealed]"
_OURS = frozenset({"host", "content-length", "transfer-encoding", "connection", "accept-encoding"})


@dataclass(frozen=True, slots=True)
class Target:
    """A server: `url` is scheme, host, port and, where there is one, the path before `/v1`.

    `headers` go with every request (an Authorization among them) and show in no repr. `verify`
    says whether a certificate is checked, or names a file or folder of certificates to trust.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    verify: bool | str = True

    def __post_init__(self) -> None:
        parts = self._parts
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigurationError(
                f"{self.url}: expected an address such as http://127.0.0.1:8000"
            )
        for name, value in self.headers.items():
            if (
                not name
                or not name.isascii()
                or not name.isprintable()
                or set(name) & set(' :"(),/')
            ):
                raise ConfigurationError(f"header {name!r}: expected a name of letters and dashes")
            if not value.isascii() or not value.isprintable():
                raise ConfigurationError(f"header {name!r}: expected a value of printable ASCII")
            if name.lower() in _OURS:
                raise ConfigurationError(
                    f"header {name!r}: this one is set by the connection itself"
                )

    @property
    def _parts(self) -> SplitResult:
        return urlsplit(self.url)

    @property
    def is_tls(self) -> bool:
        return self._parts.scheme == "https"

    @property
    def host(self) -> str:
        return self._parts.hostname or ""

    @property
    def port(self) -> int:
        return self._parts.port or (443 if self.is_tls else 80)

    @property
    def is_numeric(self) -> bool:
        """Whether the host is an IP address, so that no name has to be looked up."""
        try:
            ipaddress.ip_address(self.host)
        except ValueError:
            return False
        return True

    def request_head(self, path: str, body_bytes: int) -> bytes:
        """The head of a POST to `path` with a JSON body of `body_bytes`."""
        opening = _head_opening(self.url, tuple(self.headers.items()), path)
        return b"%b%d\r\n\r\n" % (opening, body_bytes)

    def conceal(self, text: str) -> str:
        """`text` with the values of our headers blotted out, should a server have echoed them.

        What is left of a value where the text was cut short is blotted out as well.
        """
        for value in self.headers.values():
            for secret in (value, value.rpartition(" ")[2]):
                if len(secret) >= _SHORTEST_SECRET:
                    text = _blotted(text, secret)
        return text


@lru_cache(maxsize=64)
def _head_opening(url: str, headers: tuple[tuple[str, str], ...], path: str) -> bytes:
    """The head of a POST of JSON, up to the number that is its body's length."""
    target = Target(url)
    host = f"[{target.host}]" if ":" in target.host else target.host
    default = 443 if target.is_tls else 80
    fields = {
        "host": host if target.port == default else f"{host}:{target.port}",
        "user-agent": f"loadproof/{__version__}",
        "accept": "text/event-stream, application/json",
        "accept-encoding": "identity",
        "content-type": "application/json",
    }
    fields.update((name.lower(), value) for name, value in headers)
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    place = f"{target._parts.path.rstrip('/')}{path}"
    return f"POST {place} HTTP/1.1\r\n{lines}content-length: ".encode("ascii")


def _blotted(text: str, secret: str) -> str:
    begin = secret[:_TELLING_BEGIN]
    at = text.find(begin)
    while at >= 0:
        end = at + len(begin)
        while end - at < len(secret) and text[end : end + 1] == secret[end - at]:
            end += 1
        text = text[:at] + _BLOT + text[end:]
        at = text.find(begin, at + len(_BLOT))
    return text
