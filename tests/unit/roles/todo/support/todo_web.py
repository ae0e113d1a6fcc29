"""The web service in front of others, for the tests."""

from __future__ import annotations

import httpx
from starlette.applications import Starlette
from todo.web import app
from todo.web.upstream import Upstream


def in_front_of(rule_client: httpx.Client, user_client: httpx.Client, seconds: float = 5.0) -> Starlette:
    """Web's application with the services that these clients reach behind it."""
    return app.build_on(
        Upstream("rule", str(rule_client.base_url), seconds), Upstream("user", str(user_client.base_url), seconds)
    )
