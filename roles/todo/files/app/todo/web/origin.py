"""Protection of changes: only pages of this site may make them."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers

from ..common.errors import ApiError

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


def require_same_origin(method: str, headers: Headers) -> None:
    """Raises ApiError 403 when a browser says that another site's page makes the change.

    Sec-Fetch-Site is decisive; browsers leave it out on plain http, so Origin is compared with Host (or with
    X-Forwarded-Host, which another site's page cannot set). A program that is no browser sends neither and passes:
    it has no user's session to misuse.
    """
    if method in SAFE_METHODS:
        return
    site = headers.get("sec-fetch-site")
    origin = headers.get("origin")
    if site is not None:
        allowed = site in ("same-origin", "none")
    elif origin is not None:
        own = {headers.get("host", ""), headers.get("x-forwarded-host", "")} - {""}
        allowed = _authority(origin) in {host.lower() for host in own}
    else:
        allowed = True
    if not allowed:
        raise ApiError(403, "other_origin", "Changes are accepted from this site's own page only.")


def _authority(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""
