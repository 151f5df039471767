"""Pages of other sites that may ask: what browsers call cross-origin resource sharing."""

from __future__ import annotations

import re

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from cellwright.errors import InputError

ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/\sA-Z]+")


def allowing(app: ASGIApp, origins: str | None) -> ASGIApp:
    """The app, answering pages of these origins too: several with commas between, * for any, None for no other site.

    It stands around the whole app, so that a page can read what is wrong with its request. Raises InputError.
    """
    if origins is None:
        return app
    allowed = origins.split(",")
    for each in allowed:
        if each != "*" and not ORIGIN.fullmatch(each):
            raise InputError(
                f"--allow-origin is {each or origins or repr('')}; expected what browsers send: scheme, host in lower "
                f"case and port without a path, such as https://example.com, or *"
            )
    return CORSMiddleware(
        app,
        allow_origins=allowed,
        allow_methods=["GET", "HEAD", "POST"],
        allow_headers=["content-type"],
        expose_headers=["retry-after"],
    )
