"""Protection of changes: only pages of this site may make them."""

from __future__ import annotations

import re

from starlette.datastructures import Headers

from ..common.errors import ApiError

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
# RFC 6454, section 6.2: scheme, host and port, no more. `null` and everything else is no origin of this site.
_ORIGIN = re.compile(r"https?://([^/?#@\s\\]+)", re.IGNORECASE)


def require_same_origin(method: str, headers: Headers) -> None:
    """Raises ApiError 403 when a browser says that another site's page makes the change.

    Sec-Fetch-Site is decisive; browsers leave it out on plain http, so Origin is compared with Host, or with
    X-Forwarded-Host where a proxy in front changes Host. No page of another site can set either: a browser asks
    first (CORS preflight) before it sends a header of a page's own, and this service never permits it.
    A program that is no browser sends neither and passes: it has no user's session to misuse.
    """
    if method in SAFE_METHODS:
        return
    sites = headers.getlist("sec-fetch-site")
    origins = headers.getlist("origin")
    if sites:
        allowed = all(site in ("same-origin", "none") for site in sites)
    else:
        allowed = all(_authority(origin) in _own(headers) for origin in origins)
    if not allowed:
        raise ApiError(403, "other_origin", "Changes are accepted from this site's own page only.")


def _own(headers: Headers) -> set[str]:
    """What this site is called. Of several proxies, the first in the list is the one that the browser spoke to."""
    forwarded = headers.get("x-forwarded-host", "").partition(",")[0].strip()
    return {name.lower() for name in (headers.get("host", ""), forwarded) if name}


def _authority(origin: str) -> str:
    """Host and port of an origin, an empty text where it is none."""
    found = _ORIGIN.fullmatch(origin)
    return found.group(1).lower() if found else ""
