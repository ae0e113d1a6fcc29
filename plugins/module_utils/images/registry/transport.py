# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP to one registry: TLS, proxies, redirects, retries, and failures told by their class."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO
from urllib.parse import urljoin, urlsplit

try:
    import urllib3
except ImportError:  # told when the pools are made
    urllib3 = None  # type: ignore[assignment]

from ...http.backoff import RETRIED_STATUS
from ...http.errors import HttpSetupError
from ...http.pools import USER_AGENT, Pools
from ...http.redaction import conceal, secrets_of
from ...http.tls import tls_context
from ..errors import ImageError, Reason, RegistryError
from ..policy.settings import RegistrySettings, is_loopback
from .backoff import PAUSING_STATUS, Backoff, Outage, retry_after
from .cooldown import Cooldown, Patience
from .credentials import own_secrets
from .failures import SHOWN_LIMIT, of_exception, of_status, without_secrets

# Manifests may be 4 MiB (distribution spec); more than twice that is no manifest and no error text.
BODY_LIMIT = 8 * 1024 * 1024
_REDIRECTS = 5
_REDIRECTS_OF_READS = frozenset({301, 302, 303, 307, 308})
_REDIRECTS_OF_WRITES = frozenset({307, 308})  # after the others the body would have to stay behind
PORTS = {"http": 80, "https": 443}
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

    def __init__(
        self, settings: RegistrySettings, backoff: Backoff | None = None, patience: Patience | None = None
    ) -> None:
        self.settings = settings
        self.backoff = backoff or Backoff()
        self.cooldown = Cooldown(settings.host, self.backoff.longest_pause, patience or Patience(), self.backoff.clock)
        self.requests = 0
        self._pools = _pools(settings)
        self._outage = Outage(self.backoff.clock)

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
        sent = dict(headers or {})
        return self._repeated(lambda: self._complete(method, url, sent, body), self._secrets(url, sent), retry)

    def open(self, url: str, headers: Mapping[str, str] | None = None) -> Any:
        """Send a GET; return urllib3's response for the caller to read and close, or an Answer that refuses.

        Raises RegistryError.
        """

        sent = dict(headers or {})

        def once() -> Any:
            response = self._follow("GET", url, sent, None)
            return response if response.status < 400 else self._read("GET", url, sent, response)

        return self._repeated(once, self._secrets(url, sent), True)

    def failure(self, error: Exception) -> RegistryError:
        """Return what urllib3 raised as an error of this registry."""
        return without_secrets(of_exception(self.settings.host, error), own_secrets(self.settings))

    def _secrets(self, url: str, headers: Mapping[str, str]) -> Callable[[], list[str]]:
        """Return what tells, where it is needed, all that a request shows to a registry and nobody else is to see."""
        return lambda: [*secrets_of(headers), *own_secrets(self.settings), *self._pools.secrets(url)]

    def _repeated(self, once: Callable[[], Any], secrets: Callable[[], list[str]], retry: bool) -> Any:
        clock, host = self.backoff.clock, self.settings.host
        started, attempt, waited, refusals = clock.monotonic(), 0, 0.0, 0
        while True:
            attempt += 1
            waited += self.cooldown.wait(waited)
            try:
                answer = once()
            except RegistryError as error:
                is_passing = error.reason in (Reason.REFUSED, Reason.BROKEN, Reason.TIMEOUT)
                if not is_passing or not retry or self._is_last(attempt, started):
                    raise without_secrets(error, secrets()) from None
                asked, limited = None, False
            else:
                if answer.status not in RETRIED_STATUS:
                    self._outage.end()
                    return answer
                asked = retry_after(answer.headers, clock)
                limited = answer.status in PAUSING_STATUS and (asked is not None or answer.status == 429)
                too_long = (asked or 0) > self.cooldown.longest(waited)
                if asked is not None and (answer.status == 429 or (limited and not too_long)):
                    self.cooldown.ask(asked)
                if limited and waited < self.cooldown.patience.seconds:
                    attempt -= 1  # what is waited for as it was asked for is no failure
                if too_long or not retry or self._is_last(attempt, started):
                    raise of_status(host, answer.status, answer.headers, answer.body, clock)
            # A limit without an end is asked about less and less often, though it counts for no failure.
            refusals = refusals + 1 if limited else 0
            pause = self.backoff.pause(max(attempt, refusals, 1), asked)
            if asked is None and limited:
                self.cooldown.ask(pause)  # the others would only be refused as well
            clock.sleep(pause)
            waited += pause

    def _is_last(self, attempt: int, started: float) -> bool:
        """Whether a request that has failed `attempt` times is given up: it, or its registry, has failed for long."""
        away = max(self._outage.seconds(), self.backoff.clock.monotonic() - started)
        return attempt >= self.backoff.attempts and away >= self.backoff.patience

    def _complete(self, method: str, url: str, headers: dict[str, str], body: bytes | Opener | None) -> Answer:
        return self._read(method, url, headers, self._follow(method, url, headers, body))

    def _read(self, method: str, url: str, headers: dict[str, str], response: Any) -> Answer:
        try:
            # Some servers compress what they were asked to send as it is.
            data = response.read(BODY_LIMIT + 1, decode_content=True) if method != "HEAD" else b""
        except urllib3.exceptions.HTTPError as error:
            raise self.failure(error) from None
        finally:
            response.release_conn()
        if len(data) > BODY_LIMIT:
            raise RegistryError(Reason.PROTOCOL, self.settings.host, f"{url} answers with more than {BODY_LIMIT} bytes")
        if response.status >= 400:  # some repeat what they were sent, and this is shown
            data = conceal(data[:SHOWN_LIMIT], self._secrets(url, headers)())
        return Answer(response.status, response.headers, data)

    def _follow(self, method: str, url: str, headers: dict[str, str], body: bytes | Opener | None) -> Any:
        reads, home = method in ("GET", "HEAD"), origin(url)
        for _hop in range(_REDIRECTS + 1):
            response = self._once(method, url, headers, body)
            location = response.headers.get("Location")
            if response.status == 401 and origin(url) != home:
                response.drain_conn()  # its challenge is not the registry's, and gets no login
                words = f"401 where it sends on to, {urlsplit(url).hostname}, which wants a login"
                raise RegistryError(Reason.FORBIDDEN, self.settings.host, words)
            if response.status not in (_REDIRECTS_OF_READS if reads else _REDIRECTS_OF_WRITES) or not location:
                return response
            target = self._joined(url, location)
            if origin(target) != origin(url):
                if method == "POST":  # its form may hold a login, and an upload that begins there is not ours
                    return response
                # Whoever is redirected to is no party to the login.
                headers = {name: value for name, value in headers.items() if name.lower() != "authorization"}
            response.drain_conn()
            self._check_scheme(url, target)
            url = target
        raise RegistryError(Reason.PROTOCOL, self.settings.host, f"more than {_REDIRECTS} redirects, the last to {url}")

    def _joined(self, url: str, location: str) -> str:
        try:
            target = urljoin(url, location)
            origin(target)
        except ValueError:
            raise RegistryError(Reason.PROTOCOL, self.settings.host, "redirects to what is no address") from None
        return target

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
            raise self.failure(error) from None  # urllib3's own words may hold a signed address
        except (ValueError, http.client.HTTPException):
            # Both name the header or the address that they refuse, login and all.
            raise RegistryError(
                Reason.PROTOCOL, self.settings.host, "no request can be made of this address and login"
            ) from None
        finally:
            if stream:
                stream.close()


def _pools(settings: RegistrySettings) -> Pools:
    try:
        return Pools(tls_context(settings.authority()), _CONNECTIONS)
    except (OSError, HttpSetupError) as error:
        raise ImageError(str(error)) from error


def origin(url: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port of a URL, of whatever spelling. Raises ValueError."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or PORTS.get(parts.scheme)
