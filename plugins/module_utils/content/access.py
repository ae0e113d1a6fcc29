# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How content may be had from here: what the inventory says once for all content items."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..http.redaction import without_login
from ..images.policy.policy import ImagePolicy
from .away import Away
from .errors import ContentError
from .image_file import ImageAccess
from .store import Store
from .transfers import Transfers

PLACES = ("path", "url", "go_module", "image")
PUBLIC_GO_PROXY = "https://proxy.golang.org"


@dataclass(frozen=True)
class Access:
    """What is asked, and in which order.

    `places` are the kinds of sources that may be asked, best first; () is all of them, in the order of each
    item. Files of this machine always may be. `mirrors` has, by the beginning of an URL, what to
    write instead, best first; an origin is then asked only where its list names it. `pins` are checksums by URL.
    `go_proxy` is a list as in GOPROXY.
    """

    store: Store = field(default_factory=Store)
    places: tuple[str, ...] = ()
    mirrors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    pins: Mapping[str, str] = field(default_factory=dict)
    go_proxy: str = PUBLIC_GO_PROXY
    images: ImageAccess = field(default_factory=lambda: ImageAccess(ImagePolicy()))
    transfers: Transfers = field(default_factory=Transfers)

    @property
    def away(self) -> Away:
        """What is known of hosts that do not answer."""
        return Away(self.store.directory, self.transfers.tell)

    def urls(self, url: str) -> list[str]:
        """Where the content of a URL is fetched: the mirrors of the longest beginning that fits, else the URL."""
        fitting = [begin for begin in self.mirrors if url.startswith(begin)]
        if not fitting:
            return [url]
        begin = max(fitting, key=len)
        return [_joined(mirror, begin, url.removeprefix(begin)) for mirror in self.mirrors[begin]]


def _joined(mirror: str, begin: str, rest: str) -> str:
    """A mirror with what follows `begin` in a URL, with one slash between them where either of the two ends in one.

    A mirror that takes the address in a query gets the rest as it is.
    """
    is_path = begin.endswith("/") or rest.startswith("/")
    return f"{mirror.rstrip('/')}/{rest.lstrip('/')}" if is_path and "?" not in mirror else mirror + rest


def checked_mirrors(given: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The mirrors of an inventory, lists or single texts. Raises ContentError, which says what to write."""
    found = {}
    for begin, mirrors in given.items():
        listed = [mirrors] if isinstance(mirrors, str) else mirrors
        texts = [begin, *listed] if isinstance(listed, list) and listed else [""]
        if not all(isinstance(text, str) and text.startswith(("http://", "https://")) for text in texts):
            raise ContentError(
                f"serverless_content_mirrors[{without_login(str(begin))!r}] must be a list of URLs by the beginning of "
                "an URL, such as {https://github.com/: [https://mirror.example/github/]}"
            )
        found[begin] = tuple(listed)
    return found


def checked_places(given: list[str]) -> tuple[str, ...]:
    """The kinds of sources, in order. Raises ContentError for an unknown one."""
    unknown = sorted(set(given) - set(PLACES))
    if unknown:
        raise ContentError(
            f"serverless_content_places is {given}; it is a list of {', '.join(PLACES)}, in the order "
            "in which they are asked"
        )
    return tuple(given)
