# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to one API server: JSON in, JSON out, with the retry rules applied and counted."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode

try:
    import urllib3
except ImportError:  # reported by context.connect
    urllib3 = None  # type: ignore[assignment]

from ...http.errors import HttpSetupError
from ...http.failures import FailureKind, describe
from ...http.pools import USER_AGENT
from ..deadline import Deadline
from ..errors import ApiError, KubeError, NoAnswer, api_error_from_body
from .answers import document_fault
from .backoff import parse_retry_after, pause_before, worth_retrying
from .connection import Connection

JSON_TYPE = "application/json"
CONNECT_TIMEOUT = 10.0  # seconds
REQUEST_TIMEOUT = 30.0  # seconds without a byte from the server
FIRST_CONTACT = 60.0  # seconds of patience with a server that has not answered once: it may be restarting, or wrong
NAME_SERVER_PATIENCE = 10.0  # seconds of patience with a name server, before the first answer
OnRetry = Callable[[str, Hashable], None]


@dataclass(frozen=True)
class Exchanged:
    """An answer as it came, a refusal too; `headers` are found by any case of their names."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def status_message(self) -> str:
        """What the API server itself says (metav1.Status), '' where the answer comes from behind it."""
        try:
            answer = json.loads(self.body)
        except ValueError:
            return ""
        is_status = isinstance(answer, dict) and answer.get("kind") == "Status"
        return str(answer.get("message") or answer.get("reason") or "no reason given") if is_status else ""

    @property
    def said(self) -> str:
        """The answer in words: the API server's own, or how the text begins that came."""
        return self.status_message or self.body.decode("utf-8", "replace").strip()[:200]


def told_time(headers: Mapping[str, str]) -> datetime:
    """What time it was by the server's clock, to the second, when it answered. Raises ValueError."""
    told = headers.get("Date")
    if not told:
        raise ValueError("the API server's answer has no header Date")
    return parsedate_to_datetime(told).astimezone(UTC)


class Transport:
    """HTTP to one API server. Thread-safe: the pools are, and the counters are guarded.

    `on_retry(message, reason)` is called once per retry, so that a long patience is told and not silent; the reason is
    equal for failures of one kind. `reconnect` reads the kubeconfig anew when the server does not accept the
    credentials (a token may have run out), once for a request.
    """

    def __init__(
        self,
        connection: Connection,
        on_retry: OnRetry | None = None,
        reconnect: Callable[[], Connection] | None = None,
    ) -> None:
        self.connection = connection
        self._reconnect = reconnect
        self._patience = Deadline(FIRST_CONTACT)
        self._name_patience = Deadline(NAME_SERVER_PATIENCE)
        self._answered = False
        self.retries = 0
        self.requests = 0
        self._on_retry = on_retry or (lambda message, reason: None)
        self._lock = threading.Lock()

    def call(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, Any] | None = None,
        body: Any = None,
        content_type: str = JSON_TYPE,
        accept: str = JSON_TYPE,
        deadline: Deadline | None = None,
        retry_if: Callable[[ApiError], bool] = worth_retrying,
        fault_of: Callable[[Any], str] = document_fault,
    ) -> Any:
        """The decoded answer. `retry_if` says which refusals are tried again until `deadline` (default 30 s).

        `fault_of` says what is wrong with a decoded answer, "" for a good one; a bad one is tried again, like a
        connection that broke. What cannot pass by itself is not tried again: an unknown host name, a certificate that
        is not accepted, a proxy that refuses, a credential that is not to be had.

        Raises ApiError for a refusal, ClusterError when no good answer came in time.
        """
        limit = deadline or Deadline(REQUEST_TIMEOUT)
        attempt = 0
        while True:
            attempt += 1
            try:
                return self._once(method, path, query, body, content_type, accept, limit, fault_of)
            except ApiError as error:
                problem: KubeError = error
                if not retry_if(error):
                    raise
                pause = pause_before(attempt, error.retry_after)
            except NoAnswer as error:
                problem = error
                if error.is_permanent or self._is_out_of_patience(error):
                    raise
                pause = pause_before(attempt, error.retry_after)
            if pause >= limit.remaining or not (self._answered or self._patience.remaining):
                raise problem
            with self._lock:
                self.retries += 1
            reason = problem.kind if isinstance(problem, NoAnswer) else None
            self._on_retry(f"retry {attempt} in {pause:.1f} s: {problem}", reason or str(problem))
            time.sleep(pause)

    def tell(self, message: str) -> None:
        """Tell what takes time, as retries are told."""
        self._on_retry(message, message)

    def stream(self, path: str, query: dict[str, Any], read_timeout: float) -> Any:
        """An open urllib3 response for a watch; the caller reads lines and closes it. Raises like `call`, no retry."""
        response = self._send("GET", path, query, None, JSON_TYPE, JSON_TYPE, read_timeout, preload=False)
        if response.status != 200:
            try:
                data = response.read()
            except urllib3.exceptions.HTTPError as error:
                raise self._no_answer("GET", path, error) from None
            finally:
                response.release_conn()
            raise self._refusal("GET", path, response, data)
        return response

    def read_text(self, path: str, query: dict[str, Any], timeout: float) -> str:
        """The body of a GET that is not JSON, such as a pod's log. Raises like `call`, no retry."""
        response = self._send("GET", path, query, None, JSON_TYPE, "*/*", timeout, preload=True)
        if response.status != 200:
            raise self._refusal("GET", path, response, response.data)
        return response.data.decode("utf-8", "replace")

    def proxied(self, path: str, host: str, timeout: float) -> int:
        """The status of a GET through the server's proxy to a pod or Service, with a Host header where `host` is given.

        Raises ClusterError without an answer; no retry.
        """
        return self.exchange("GET", path, timeout, headers=[("Host", host)] if host else []).status

    def exchange(
        self,
        method: str,
        path: str,
        timeout: float,
        *,
        headers: list[tuple[str, str]] | None = None,
        data: bytes | None = None,
    ) -> Exchanged:
        """The answer to one request, whatever its status, with its headers; `data` is sent as it is.

        For what the server passes on to a pod or Service, and for what it tells in headers. Raises ClusterError without
        an answer; no retry.
        """
        response = self._send(
            method, path, None, None, JSON_TYPE, "*/*", timeout, preload=True, headers=headers, raw=data
        )
        return Exchanged(response.status, response.headers, response.data)

    def renew(self, refused: Connection) -> bool:
        """Get other credentials than those of a connection; True when there may be some, for another try.

        Of several threads that were refused at once, the first reads the kubeconfig. Raises ClusterError.
        """
        if refused.refresh():
            return True
        with self._lock:
            if self.connection is refused:
                if self._reconnect is None:
                    return False
                self.connection = self._reconnect()
        return True

    def _is_out_of_patience(self, error: NoAnswer) -> bool:
        return error.kind is FailureKind.NAME_SERVER and not self._answered and self._name_patience.passed

    def _once(
        self,
        method: str,
        path: str,
        query: Any,
        body: Any,
        content_type: str,
        accept: str,
        limit: Deadline,
        fault_of: Callable[[Any], str],
    ) -> Any:
        read_timeout = max(1.0, min(REQUEST_TIMEOUT, limit.remaining))
        response = self._send(method, path, query, body, content_type, accept, read_timeout, preload=True)
        if not 200 <= response.status < 300:
            raise self._refusal(method, path, response, response.data)
        try:
            answer = json.loads(response.data)
        except (ValueError, RecursionError):
            fault = "it is no JSON" if response.data.strip() else "it is empty"
        else:
            fault = fault_of(answer)
        if fault:
            raise NoAnswer(f"{self._where(method, path)}: the answer ({response.status}) is not usable: {fault}")
        self._answered = True
        return answer

    def _send(
        self,
        method: str,
        path: str,
        query: Any,
        body: Any,
        content_type: str,
        accept: str,
        timeout: float,
        preload: bool,
        headers: list[tuple[str, str]] | None = None,
        raw: bytes | None = None,
    ) -> Any:
        """The response to a request; where its credentials are refused, to the same with others."""
        own = [("Accept", accept), ("User-Agent", USER_AGENT), *(headers or [])]
        data = raw
        if body is not None:
            own.append(("Content-Type", content_type))
            data = json.dumps(body, separators=(",", ":")).encode()

        def once(connection: Connection) -> Any:
            with self._lock:
                self.requests += 1
            return connection.pools().request(
                method,
                connection.server + path + ("?" + urlencode(query) if query else ""),
                connect=min(CONNECT_TIMEOUT, timeout),
                read=timeout,
                body=data,
                headers=urllib3.HTTPHeaderDict([*own, *connection.headers()]),
                preload_content=preload,
            )

        connection = self.connection
        try:
            response = once(connection)
            if response.status == 401 and self.renew(connection):
                response.drain_conn()
                response = once(self.connection)
            return response
        except (urllib3.exceptions.HTTPError, OSError) as error:
            # Without the cause, whose words may repeat what was sent.
            raise self._no_answer(method, path, error) from None
        except HttpSetupError as error:
            raise NoAnswer(f"{self._where(method, path)}: {error}", is_permanent=True) from None

    def _where(self, method: str, path: str) -> str:
        return f"{method} {path}: no usable answer from {self.connection.server}"

    def _no_answer(self, method: str, path: str, error: Exception) -> NoAnswer:
        failure = describe(error)
        return NoAnswer(
            f"{self._where(method, path)}: {self.connection.redacted(failure.text)}",
            is_permanent=failure.kind.is_permanent,
            kind=failure.kind,
        )

    def _refusal(self, method: str, path: str, response: Any, data: bytes) -> ApiError | NoAnswer:
        """The error for an answer that is no success; only a refusal of 4xx or 5xx is the API server's word."""
        retry_after = parse_retry_after(response.headers.get("Retry-After"))
        if response.status < 400:
            said = "a redirect" if response.status >= 300 else "no content"
            return NoAnswer(
                f"{self._where(method, path)}: it answers {response.status}, {said}", retry_after=retry_after
            )
        text = self.connection.redacted(data.decode("utf-8", "replace"))
        try:
            body: object = json.loads(text)
        except (ValueError, RecursionError):
            body = "an HTML page came, so something in between answered" if "<html" in text.lower() else text.strip()
        return api_error_from_body(method, path, response.status, body, retry_after)
