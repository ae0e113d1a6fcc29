# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an upload goes on: the Location of a registry's answer, of whatever form.

Registries name themselves in it in other ways than we do: with the port (ECR), without TLS (behind a proxy that does
not say X-Forwarded-Proto), or name a storage on another host, which is no party to the login.
"""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit, urlunsplit

from ..errors import Reason
from ..policy.settings import is_loopback
from .client import Registry
from .transport import PORTS, Answer, origin


def session_url(registry: Registry, asked: str, answer: Answer, otherwise: str = "") -> str:
    """Return the address of an upload from the answer to `asked` (a path below /v2/, or a URL); `otherwise` without.

    Raises RegistryError for an answer without it, and for a host that is to be reached without TLS.
    """
    location = answer.headers.get("Location", "").strip() or otherwise
    if not location:
        raise registry.error(Reason.PROTOCOL, "it begins an upload without saying where to")
    home = registry.settings.url
    try:
        url = urljoin(asked if "://" in asked else f"{home}/v2/{asked}", location)
        parts, ours = urlsplit(url), urlsplit(home)
        ports = (ours.port, None, PORTS.get(parts.scheme))
        is_ours = origin(url) == origin(home) or (parts.hostname == ours.hostname and parts.port in ports)
    except ValueError:
        raise registry.error(Reason.PROTOCOL, "it sends uploads to what is no address") from None
    if is_ours:
        return urlunsplit((ours.scheme, ours.netloc, parts.path, parts.query, ""))
    host = parts.netloc.rpartition("@")[2]
    if parts.scheme != "https" and not (parts.scheme == "http" and (is_loopback(host) or ours.scheme == "http")):
        raise registry.error(Reason.TLS, f"it sends uploads without TLS to {host}")
    return urlunsplit((parts.scheme, host, parts.path, parts.query, ""))
