# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP to one registry: TLS, proxies, redirects, retries, and failures told by their class."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urljoin, urlsplit

try:
    import urllib3
except ImportError:  # told when the pools are made
    urllib3 = None  # type: ignore[assignment]

from ...http.backoff import RETRIED_STATUS
from ...http.errors import HttpSetupError
from ...http.pools import USER_AGENT, Pools
from ...http.tls import tls_context
from ..errors import ImageError, Reason, RegistryError
from ..policy.settings import RegistrySettings, is_loopback
from .backoff import PAUSING_STATUS, Backoff, Cooldown, Outage, retry_after
from .failures import of_exception, of_status

# Manifests may be 4 MiB (distribution spec); more than twice that is no manifest and no error text.
BODY_LIMIT = 8 * 1024 * 1024
_REDIRECTS = 5
_CONNECTIONS = 24  # kept for the next request; as many as the plan asks at a time

Opener = Callable[[], BinaryIO]


@dataclass(frozen=True)
class Answer:
    """A complete answer: status, headers (names in any case) and body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport:
    """Sends requests for one registry. Thread-safe; `requests` counts what was sent.

    A pause that the registry asks for (RFC 9110, Retry-After) holds for all requests, not for the refused one alone.
    """

    def __init__(self, settings: RegistrySettings, backoff: Backoff | None = None) -> None:
        self.settings = settings
        self.backoff = backoff or Backoff()
        self.requests = 0
        self._pools = _pools(settings)
        self._cooldown = Cooldown()
        self._outage = Outage()

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | Opener | None = None,
        *,
        retry: bool = True,
    ) -> Answer:
        """Send a request and read the whole answer, of whatever status. Raises RegistryError.

        `body` as a function opens the same bytes anew for every try.
        """
        return self._repeated(lambda: self._complete(method, url, dict(headers or {}), body), retry)

    def open(self, url: str, headers: Mapping[str, str] | None = None) -> Any:
        """Send a GET and return urllib3's response for the caller to read and close. Raises RegistryError."""
        return self._repeated(lambda: self._follow("GET", url, dict(headers or {}), None), True)

    def failure(self, error: Exception) -> RegistryError:
        """Return what urllib3 raised as an error of this registry."""
        return of_exception(self.settings.host, error)

    def _repeated(self, once: Callable[[], Any], retry: bool) -> Any:
        started, attempt = time.monotonic(), 0
        while True:
            attempt += 1
            self._cooldown.wait()
            try:
                answer = once()
            except RegistryError as error:
                if error.reason not in (Reason.REFUSED, Reason.BROKEN, Reason.TIMEOUT) or not retry:
                    raise
                if self._is_last(attempt, started):
                    raise
                asked = None
            else:
                if answer.status not in RETRIED_STATUS:
                    self._outage.end()
                    return answer
                asked = retry_after(answer.headers)
                too_long = (asked or 0) > self.backoff.longest_pause
                shared = asked is not None and not too_long and answer.status in PAUSING_STATUS
                if shared:
                    self._cooldown.ask(asked)
                if too_long or not retry or self._is_last(attempt, started):
                    raise of_status(self.settings.host, answer.status, answer.headers, _text(answer))
                _release(answer)
            time.sleep(self.backoff.pause(attempt, asked))

    def _is_last(self, attempt: int, started: float) -> bool:
        """Whether a request that has failed `attempt` times is given up: it, or its registry, has failed for long."""
        away = max(self._outage.seconds(), time.monotonic() - started)
        return attempt >= self.backoff.attempts and away >= self.backoff.patience

    def _complete(self, method: str, url: str, headers: dict[str, str], body: bytes | Opener | None) -> Answer:
        response = self._follow(method, url, headers, body)
        try:
            data = response.read(BODY_LIMIT + 1) if method != "HEAD" else b""
        except urllib3.exceptions.HTTPError as error:
            raise self.failure(error) from error
        finally:
            response.release_conn()
        if len(data) > BODY_LIMIT:
            raise RegistryError(Reason.PROTOCOL, self.settings.host, f"{url} answers with more than {BODY_LIMIT} bytes")
        return Answer(response.status, response.headers, data)

    def _follow(self, method: str, url: str, headers: dict[str, str], body: bytes | Opener | None) -> Any:
        for _hop in range(_REDIRECTS + 1):
            response = self._once(method, url, headers, body)
            location = response.headers.get("Location")
            if method not in ("GET", "HEAD") or response.status not in (301, 302, 303, 307, 308) or not location:
                return response
            _release(response)
            target = urljoin(url, location)
            if _origin(target) != _origin(url):
                # Whoever is redirected to is no party to the login.
                headers = {name: value for name, value in headers.items() if name.lower() != "authorization"}
            self._check_scheme(url, target)
            url = target
        raise RegistryError(Reason.PROTOCOL, self.settings.host, f"more than {_REDIRECTS} redirects, the last to {url}")

    def _check_scheme(self, url: str, target: str) -> None:
        """Refuse to leave TLS, except for this machine itself."""
        if target.startswith("https://") or is_loopback(urlsplit(target).netloc):
            return
        if url.startswith("http://") and target.startswith("http://"):
            return
        raise RegistryError(Reason.TLS, self.settings.host, f"is redirected from TLS to {target.partition('?')[0]}")

    def _once(self, method: str, url: str, headers: dict[str, str], body: bytes | Opener | None) -> Any:
        self.requests += 1
        stream = body() if callable(body) else None
        backoff = self.backoff
        try:
            return self._pools.request(
                method,
                url,
                connect=backoff.connect_timeout,
                read=backoff.read_timeout,
                headers={"User-Agent": USER_AGENT, **headers},
                body=stream if callable(body) else body,
                preload_content=False,
                decode_content=False,
            )
        except HttpSetupError as error:
            raise RegistryError(Reason.PROXY, self.settings.host, str(error)) from None
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self.failure(error) from error
        finally:
            if stream:
                stream.close()


def _pools(settings: RegistrySettings) -> Pools:
    try:
        authorities = Path(settings.ca_file).read_bytes() if settings.ca_file else None
        return Pools(tls_context(authorities), _CONNECTIONS)
    except (OSError, HttpSetupError) as error:
        if not settings.ca_file:
            raise ImageError(str(error)) from error
        raise ImageError(
            f"the certificate authority of {settings.host}, {settings.ca_file}, cannot be read: {error}"
        ) from error


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _release(answer: Any) -> None:
    if not isinstance(answer, Answer):
        answer.drain_conn()


def _text(answer: Any) -> bytes:
    if isinstance(answer, Answer):
        return answer.body
    try:
        return answer.read(64 * 1024)
    except urllib3.exceptions.HTTPError:
        return b""
    finally:
        answer.release_conn()
