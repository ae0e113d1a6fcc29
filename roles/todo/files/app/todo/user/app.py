"""GET /user answers {"name", "version", "revision"}."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..common import application, settings
from . import openapi
from .names import NAMES


def build() -> Starlette:
    """The application. USER_VERSION is v1 (default) or v2; K_REVISION is what Knative calls the running revision.

    Raises SettingError for another version.
    """
    version = settings.text("USER_VERSION", "v1")
    if version not in NAMES:
        raise settings.SettingError(f"USER_VERSION={version!r} is unknown; write one of {', '.join(NAMES)}")
    answer = {
        "name": NAMES[version],
        "version": version,
        "revision": settings.text("K_REVISION", f"user-{version}"),
    }

    async def user(_request: Request) -> Response:
        return JSONResponse(answer, headers={"cache-control": "no-store"})

    return application.build("user", openapi.document(), [Route("/user", user)])
