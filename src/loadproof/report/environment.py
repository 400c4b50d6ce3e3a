"""How the pages are made: Jinja, with every text that came from outside escaped."""

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from loadproof import __version__
from loadproof.report.signs import plain


def page_environment() -> Environment:
    """An environment for the templates in assets/; what is missing in a template is an error."""
    environment = Environment(
        loader=PackageLoader("loadproof.report", "assets"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printable,
    )
    environment.globals.update(version=__version__)
    return environment


def _printable(value: Any) -> Any:
    """Jinja calls this on all that it prints: None is nothing, text has no control characters."""
    if value is None:
        return ""
    if isinstance(value, str) and not isinstance(value, Markup):
        return plain(value)
    return value
