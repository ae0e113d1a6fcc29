# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to one API server: JSON in, JSON out, with the retry rules applied and counted."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

try:
    import urllib3
except ImportError:  # reported by kubeconfig.connect
    urllib3 = None  # type: ignore[assignment]

from ..deadline import Deadline
from ..errors import ApiError, ClusterError, api_error_from_body
from .backoff import parse_retry_after, pause_before, worth_retrying
from .kubeconfig import Connection

JSON_TYPE = "application/json"
CONNECT_TIMEOUT = 10.0  # seconds
REQUEST_TIMEOUT = 30.0  # seconds without a byte from the server
FIRST_CONTACT = 60.0  # seconds of patience with a server that has not answered once: it may be restarting, or wrong


class Transport:
    """HTTP to one API server. Thread-safe: the pool is, and the counters are guarded.

    `on_retry(message)` is called once per retry, so that a long patience is told and not silent. `reconnect` reads the
    kubeconfig anew when the server does not accept the credentials (a token may have run out); it is used once.
    """

    def __init__(
        self,
        connection: Connection,
        on_retry: Callable[[str], None] | None = None,
        reconnect: Callable[[], Connection] | None = None,
    ) -> None:
        self.connection = connection
        self._reconnect = reconnect
        self._patience = Deadline(FIRST_CONTACT)
        self._answered = False
        self.retries = 0
        self.requests = 0
        self._on_retry = on_retry or (lambda message: None)
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
    ) -> Any:
        """The decoded answer. `retry_if` says which refusals are tried again until `deadline` (default 30 s).

        Raises ApiError for a refusal, ClusterError when no answer came in time.
        """
        limit = deadline or Deadline(REQUEST_TIMEOUT)
        attempt = 0
        while True:
            attempt += 1
            try:
                return self._once(method, path, query, body, content_type, accept, limit)
            except ApiError as error:
                problem: Exception = error
                if error.status == 401 and self._renew():
                    continue
                if not retry_if(error):
                    raise
                pause = pause_before(attempt, error.retry_after)
            except (urllib3.exceptions.HTTPError, ValueError) as error:
                # Refused, reset, timed out, cut off or not JSON: the server may be restarting.
                problem = self._no_answer(method, path, error)
                if _is_certificate_problem(error):
                    raise problem from error
                pause = pause_before(attempt, None)
            if pause >= limit.remaining or not (self._answered or self._patience.remaining):
                raise problem
            with self._lock:
                self.retries += 1
            self._on_retry(f"retry {attempt} in {pause:.1f} s: {problem}")
            time.sleep(pause)

    def stream(self, path: str, query: dict[str, Any], read_timeout: float) -> Any:
        """An open urllib3 response for a watch; the caller reads lines and closes it. Raises like `call`, no retry."""
        try:
            response = self._send("GET", path, query, None, JSON_TYPE, JSON_TYPE, read_timeout, preload=False)
        except urllib3.exceptions.HTTPError as error:
            raise self._no_answer("GET", path, error) from error
        if response.status >= 400:
            data = response.read()
            response.release_conn()
            raise _api_error("GET", path, response, data)
        return response

    def read_text(self, path: str, query: dict[str, Any], timeout: float) -> str:
        """The body of a GET that is not JSON, such as a pod's log. Raises like `call`, no retry."""
        try:
            response = self._send("GET", path, query, None, JSON_TYPE, "*/*", timeout, preload=True)
        except urllib3.exceptions.HTTPError as error:
            raise self._no_answer("GET", path, error) from error
        if response.status >= 400:
            raise _api_error("GET", path, response, response.data)
        return response.data.decode("utf-8", "replace")

    def proxied(self, path: str, host: str, timeout: float) -> int:
        """The status of a GET through the server's proxy to a pod or Service, with a Host header where `host` is given.

        Raises ClusterError without an answer; no retry.
        """
        headers = {"Host": host} if host else {}
        try:
            response = self._send("GET", path, None, None, JSON_TYPE, "*/*", timeout, preload=True, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            raise self._no_answer("GET", path, error) from error
        return response.status

    def _renew(self) -> bool:
        """Read the credentials anew, once; True when there are others to try."""
        with self._lock:
            renew, self._reconnect = self._reconnect, None
        if renew is None:
            return False
        self.connection = renew()
        return True

    def _no_answer(self, method: str, path: str, error: Exception) -> ClusterError:
        reason = re.sub(r"^.*object at 0x[0-9a-f]+>: ", "", str(error))
        return ClusterError(f"{method} {path}: no usable answer from {self.connection.server}: {reason}")

    def _once(
        self, method: str, path: str, query: Any, body: Any, content_type: str, accept: str, limit: Deadline
    ) -> Any:
        read_timeout = max(1.0, min(REQUEST_TIMEOUT, limit.remaining))
        response = self._send(method, path, query, body, content_type, accept, read_timeout, preload=True)
        if response.status >= 400:
            raise _api_error(method, path, response, response.data)
        self._answered = True
        return json.loads(response.data) if response.data else None

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
        headers: dict[str, str] | None = None,
    ) -> Any:
        with self._lock:
            self.requests += 1
        url = self.connection.server + path + ("?" + urlencode(query) if query else "")
        headers = {"Accept": accept, "User-Agent": "selfhosted.serverless", **(headers or {})}
        authorization = self.connection.authorization()
        if authorization:
            headers["Authorization"] = authorization
        data = None
        if body is not None:
            headers["Content-Type"] = content_type
            data = json.dumps(body, separators=(",", ":")).encode()
        return self.connection.pool.request(
            method,
            url,
            body=data,
            headers=headers,
            timeout=urllib3.Timeout(connect=min(CONNECT_TIMEOUT, timeout), read=timeout),
            retries=False,
            preload_content=preload,
        )


def _api_error(method: str, path: str, response: Any, data: bytes) -> ApiError:
    try:
        body: object = json.loads(data)
    except ValueError:
        body = data.decode("utf-8", "replace").strip()
    return api_error_from_body(
        method, path, response.status, body, parse_retry_after(response.headers.get("Retry-After"))
    )


def _is_certificate_problem(error: Exception) -> bool:
    return isinstance(error, urllib3.exceptions.SSLError) and "certificate" in str(error).lower()
