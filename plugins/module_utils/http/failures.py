# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what urllib3 and the system raise to a class of failure and a few words, without addresses of objects."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
from dataclasses import dataclass
from enum import Enum

from .redaction import redact

try:
    from urllib3 import exceptions as raised
except ImportError:  # told when a pool is made
    raised = None  # type: ignore[assignment]

_LONGEST_TEXT = 300
_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3}) ?(.*)")


class FailureKind(Enum):
    """What went wrong between us and a server."""

    NAME = "the host name is not known"
    NAME_SERVER = "the name server does not answer"
    CERTIFICATE = "the certificate is not accepted"
    TLS = "TLS fails"
    CONNECT_TIMEOUT = "no connection in time"
    READ_TIMEOUT = "no answer in time"
    PROXY = "the proxy cannot be used"
    PROXY_REFUSES = "the proxy refuses"
    REFUSED = "not reachable"
    BROKEN = "the connection broke"

    @property
    def is_permanent(self) -> bool:
        """True when another try cannot help before somebody changes something."""
        return self in (FailureKind.NAME, FailureKind.CERTIFICATE, FailureKind.PROXY_REFUSES)


@dataclass(frozen=True)
class Failure:
    """A failure; `text` is one line for a person."""

    kind: FailureKind
    text: str


def describe(error: BaseException) -> Failure:
    """The class of what urllib3, ssl or the system raised, with its reason in plain words."""
    cause = _root(error)
    if socks := _of_socks(error):
        return socks
    if isinstance(cause, ssl.SSLCertVerificationError):
        return Failure(FailureKind.CERTIFICATE, f"certificate verify failed: {cause.verify_message}")
    if isinstance(cause, ssl.SSLError) or isinstance(error, raised.SSLError):
        if "CERTIFICATE" in str(cause).upper() and "ALERT" in str(cause).upper():
            return Failure(FailureKind.CERTIFICATE, _line(f"the server refuses our certificate: {_reason(cause)}"))
        text = str(cause)
        if "match" in text and "certificate" in text.lower():
            return Failure(FailureKind.CERTIFICATE, _line(text))
        return Failure(FailureKind.TLS, _line(f"TLS: {_reason(cause)}"))
    if isinstance(error, raised.ProxyError) or _TUNNEL.search(str(cause)):
        return _of_proxy(cause)
    if isinstance(error, raised.NameResolutionError) or isinstance(cause, socket.gaierror):
        if getattr(cause, "errno", None) == socket.EAI_AGAIN:
            return Failure(FailureKind.NAME_SERVER, "the name server does not answer")
        return Failure(FailureKind.NAME, "no such host: the name has no address here")
    if isinstance(error, raised.ConnectTimeoutError) and not isinstance(error, raised.NewConnectionError):
        return Failure(FailureKind.CONNECT_TIMEOUT, "no connection in time")
    if isinstance(error, (raised.ReadTimeoutError, TimeoutError)) or isinstance(cause, TimeoutError):
        return Failure(FailureKind.READ_TIMEOUT, "connected, but no answer in time")
    if isinstance(error, raised.NewConnectionError):
        return Failure(FailureKind.REFUSED, _line(getattr(cause, "strerror", "") or _without_noise(str(cause))))
    text = getattr(cause, "strerror", "") or _cut_short(cause) or _without_noise(str(cause))
    return Failure(FailureKind.BROKEN, _line(text))


def _cut_short(cause: BaseException) -> str:
    """What is told of an answer that ended before its length; "" for another cause. The two have one name."""
    if not isinstance(cause, (http.client.IncompleteRead, raised.IncompleteRead)):
        return ""
    got = cause.partial if isinstance(cause.partial, int) else len(cause.partial)
    return f"the answer ends after {got} bytes" + (f", {cause.expected} are missing" if cause.expected else "")


def _of_socks(error: BaseException) -> Failure | None:
    """What PySocks raised, told by its names: it is there only where a SOCKS proxy is used."""
    raised_by_it = []
    seen: BaseException | None = error
    while seen is not None:
        raised_by_it += [seen] if type(seen).__module__ == "socks" else []
        seen = getattr(seen, "socket_err", None) or seen.__cause__ or seen.__context__
    if not raised_by_it:
        return None
    last = raised_by_it[-1]
    why = getattr(getattr(last, "socket_err", None), "strerror", "") or getattr(last, "msg", "")
    if type(last).__name__ == "SOCKS5AuthError":
        return Failure(FailureKind.PROXY_REFUSES, _line(f"the proxy refuses: {why}"))
    return Failure(FailureKind.PROXY, _line(f"the proxy cannot be used: {why}"))


def _of_proxy(cause: BaseException) -> Failure:
    tunnel = _TUNNEL.search(str(cause))
    if tunnel and tunnel[1] in ("401", "403", "407"):
        return Failure(FailureKind.PROXY_REFUSES, _line(f"the proxy refuses: {tunnel[1]} {tunnel[2]}"))
    if tunnel:
        return Failure(FailureKind.PROXY, _line(f"the proxy answers {tunnel[1]} {tunnel[2]}"))
    return Failure(FailureKind.PROXY, _line(f"the proxy cannot be used: {getattr(cause, 'strerror', '') or cause}"))


def _root(error: BaseException) -> BaseException:
    """What lies under urllib3's wrapping."""
    seen = error
    for _depth in range(5):
        inner = seen.__cause__ or seen.__context__
        if isinstance(seen, (ssl.SSLError, TimeoutError)) or inner is None:
            break
        seen = inner
    return seen


def _reason(cause: BaseException) -> str:
    return str(getattr(cause, "reason", "") or cause).replace("_", " ").lower()


def _without_noise(text: str) -> str:
    """Drop what urllib3 puts before the reason, the representation of a connection object, and say it in words."""
    text = re.sub(r"^.*?(?:object at 0x[0-9a-f]+|Connection\(host='[^']*', port=\d+\))>?: ", "", text)
    return re.sub(r"^Failed to establish a new connection: ", "", text)


def _line(text: str) -> str:
    line = redact(" ".join(text.split()))
    return line if len(line) <= _LONGEST_TEXT else f"{line[:_LONGEST_TEXT]}..."
