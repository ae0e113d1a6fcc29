# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of Go module proxies, GOPROXY, by the rules of https://go.dev/ref/mod#goproxy-protocol, without `go`."""

from __future__ import annotations

import netrc
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from .errors import ContentError

OFF, DIRECT = "off", "direct"


@dataclass(frozen=True)
class GoProxy:
    """One entry: its base URL, `off` or `direct`; and whether any failure (not 404 and 410 alone) asks the next."""

    url: str
    any_failure: bool

    @property
    def host(self) -> str:
        """Host and port without the login; '' for what asks no host."""
        return urlsplit(self.url).netloc.rpartition("@")[2]


def proxy_list(text: str) -> list[GoProxy]:
    """The entries of a list with `,` and `|` between them; what follows off or direct does not count.

    Raises ContentError for a list without entries and for what is no http, https or file URL.
    """
    entries: list[GoProxy] = []
    for part in text.replace("|", "|,").split(","):
        url = part.removesuffix("|").strip()
        if not url:
            continue
        if url not in (OFF, DIRECT):
            url = _complete(url)
        entries.append(GoProxy(url.rstrip("/"), part.endswith("|")))
        if url in (OFF, DIRECT):
            break
    if not entries:
        raise ContentError("the list of Go module proxies (GOPROXY) has no entry")
    return entries


def hosts_of(proxies: list[GoProxy]) -> tuple[str, ...]:
    """The hosts of a list; () where one of its entries needs none."""
    asked = [proxy for proxy in proxies if proxy.url not in (OFF, DIRECT)]
    return tuple(proxy.host for proxy in asked) if all(proxy.host for proxy in asked) else ()


def users_list(default: str, environ: Mapping[str, str] | None = None) -> str:
    """What the user has set as GOPROXY, in the environment or by `go env -w`; else `default`."""
    environ = os.environ if environ is None else environ
    return environ.get("GOPROXY") or _of_file(environ).get("GOPROXY") or default


def with_login(url: str, environ: Mapping[str, str] | None = None) -> str:
    """An https URL with the login that the user has for its host in .netrc (NETRC), as Go sends it; else as it is."""
    environ = os.environ if environ is None else environ
    parts = urlsplit(url)
    if parts.scheme != "https" or "@" in parts.netloc:
        return url
    home = Path(environ.get("HOME") or Path.home())
    try:
        hosts = netrc.netrc(environ.get("NETRC") or home / ".netrc").hosts
    except (OSError, UnicodeDecodeError, netrc.NetrcParseError):
        return url
    login = hosts.get(parts.netloc) or hosts.get(parts.hostname or "")
    if not (login and login[0]):
        return url
    return parts._replace(netloc=f"{quote(login[0], safe='')}:{quote(login[2], safe='')}@{parts.netloc}").geturl()


def module_cache(environ: Mapping[str, str] | None = None) -> Path:
    """The folder of the user's module cache, GOMODCACHE; it need not be there."""
    environ = os.environ if environ is None else environ
    kept = _of_file(environ)
    named = environ.get("GOMODCACHE") or kept.get("GOMODCACHE")
    if named:
        return Path(named)
    gopath = (environ.get("GOPATH") or kept.get("GOPATH") or "").split(os.pathsep)[0]
    return (Path(gopath) if gopath else Path.home() / "go") / "pkg" / "mod"


def escaped(text: str) -> str:
    """A module path or version as it stands in URLs and the cache: '!x' for 'X'."""
    return "".join("!" + char.lower() if char.isupper() else char for char in text)


def _complete(url: str) -> str:
    # As in Go: a single word is reserved, and a host (with a port, a path) without a scheme is meant as https.
    if ":/" not in url and set(".:/") & set(url) and not url.startswith("/"):
        url = f"https://{url}"
    if not _is_address(url):
        # Not repeated: it may hold a password.
        raise ContentError(
            "the list of Go module proxies (GOPROXY) names something that is no http, https or file address"
        )
    return url


def _is_address(url: str) -> bool:
    """Whether it is a URL by which content can be had: a host by http or https, or a folder of this machine."""
    try:
        parts = urlsplit(url)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    if parts.scheme == "file":  # a host in it would be a folder that lacks a slash
        return not parts.netloc and parts.path.startswith("/")
    return parts.scheme in ("http", "https") and has_host


def _of_file(environ: Mapping[str, str]) -> dict[str, str]:
    """The lines of the file that `go env -w` writes (GOENV)."""
    named = environ.get("GOENV", "")
    if named == OFF:
        return {}
    home = Path(environ.get("HOME") or Path.home())
    base = home / "Library" / "Application Support" if sys.platform == "darwin" else home / ".config"
    path = Path(named) if named else Path(environ.get("XDG_CONFIG_HOME") or base) / "go" / "env"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    return {name.strip(): value for name, equals, value in (line.partition("=") for line in lines) if equals}
