# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proxy that a URL is reached through: a named one, or one of the environment by the rules of Go's httpproxy."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from .errors import HttpSetupError
from .no_proxy import bypasses_proxy
from .userinfo import basic, userinfo_of

_DEFAULT_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}


@dataclass(frozen=True)
class Proxy:
    """A proxy; `scheme` is http, https or socks5. str() leaves the login out."""

    scheme: str
    host: str
    port: int
    username: str | None = field(default=None, repr=False)
    password: str = field(default="", repr=False)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def authorization(self) -> str | None:
        """The value of Proxy-Authorization, None without a login."""
        if self.username is None:
            return None
        return basic(self.username, self.password)


def parse_proxy(text: str, source: str, strict: bool = False) -> Proxy:
    """The proxy that `text` names: [scheme://][user:password@]host[:port]; `source` says where it stands.

    Without a scheme it is http; `strict` wants one, and none but http, https and socks5, as client-go does. socks5
    leaves the lookup of names to the proxy, as in Go.
    Raises HttpSetupError, which never repeats `text`: it may hold a password.
    """
    bad = HttpSetupError(f"{source} is not the address of a proxy: [scheme://][user:password@]host[:port]")
    if "://" not in text:
        if strict:
            raise HttpSetupError(f"{source} names a proxy without a scheme; it has to be http, https or socks5")
        text = f"http://{text}"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise bad from None
    if parts.scheme not in _DEFAULT_PORTS or (strict and parts.scheme == "socks5h"):
        raise HttpSetupError(f"{source} names a proxy of an unknown kind; it has to be http, https or socks5")
    if not parts.hostname or any(character.isspace() for character in parts.netloc):
        raise bad
    return Proxy(
        parts.scheme.removesuffix("h"),
        parts.hostname,
        port or _DEFAULT_PORTS[parts.scheme],
        *userinfo_of(parts),
    )


def environment_proxy(url: str, environ: Mapping[str, str] | None = None) -> Proxy | None:
    """The proxy of HTTPS_PROXY or HTTP_PROXY (or in lower case) for `url`, None for a direct connection.

    Raises HttpSetupError for a variable that names none.
    """
    environ = os.environ if environ is None else environ
    parts = urlsplit(url)
    variable = f"{parts.scheme.upper()}_PROXY"
    value = _either_case(environ, variable).strip()
    port = parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)
    if not value or bypasses_proxy(parts.hostname or "", port, _either_case(environ, "NO_PROXY")):
        return None
    return parse_proxy(value, f"the environment variable {variable}")


def _either_case(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name) or environ.get(name.lower()) or ""
