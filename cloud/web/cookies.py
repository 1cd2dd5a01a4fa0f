"""The one rule for every cookie of the page: where it is sent, and that no script reads it."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request


def cookie_rule(request: Request) -> dict[str, Any]:
    """Return the rule as Starlette takes it. A browser deletes a cookie only by the rule under which it was set."""
    return {
        "path": request.scope["root_path"] or "/",
        "secure": request.url.scheme == "https",
        "httponly": True,
        "samesite": "lax",
    }
