# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to do about registries that are not reached, once for each, however many images were asked of it."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import ImageError, Reason
from ..reference.reference import Reference
from .choice import Failure

_PROXY = "look at HTTPS_PROXY and NO_PROXY"
_OTHERWISE = "or name another mirror in serverless_images.mirrors"
_REMEDIES: dict[str, str] = {
    Reason.REFUSED: (
        "nothing listens there, or it is not reached. Is the registry started, and is the port right? If a proxy is in "
        f"between, {_PROXY}"
    ),
    Reason.DNS: f"correct the name, see whether names are resolved here at all (VPN, /etc/resolv.conf), {_OTHERWISE}",
    Reason.TIMEOUT: f"something drops the packets or is slow: look at VPN and firewall, {_PROXY}, {_OTHERWISE}",
    Reason.TLS: (
        "where it has a private authority, name that by ca_file under serverless_images.registries; where it speaks "
        "HTTP, write plain_http: true there"
    ),
    Reason.PROXY: f"the proxy lets nobody through to it: {_PROXY}",
    Reason.BROKEN: f"something cuts the connection: {_PROXY}, {_OTHERWISE}",
}


def remedies(failures: Iterable[Failure]) -> list[str]:
    """Return a line 'HOST: reason: what to do' for each registry and reason, in the order of the failures."""
    lines = []
    for failure in failures:
        if failure.reason in _REMEDIES and failure.place:
            lines.append(f"{_host(failure.place)}: {failure.reason}: {_REMEDIES[failure.reason]}")
    return list(dict.fromkeys(lines))


def _host(place: str) -> str:
    try:
        return Reference.parse(place).registry
    except ImageError:
        return place
