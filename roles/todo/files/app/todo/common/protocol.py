"""HTTP/1.1 as uvicorn and httptools do it, with a limit on the head, and with JSON errors for what is not HTTP."""

from __future__ import annotations

import json
import logging

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from .errors import ApiError
from .middleware import REQUEST_ID_HEADER, SECURITY_HEADERS, new_request_id

HEAD_LIMIT = 32 * 1024
"""Bytes of request line and headers together."""
_LINGER_SECONDS = 3
_LOG = logging.getLogger("access")


class Protocol(HttpToolsProtocol):
    """One connection. httptools itself has no limits: it collects a header that never ends."""

    _refused = False
    _in_head = False
    _unused = 0  # bytes received since the parser last gave something on

    def data_received(self, data: bytes) -> None:
        """Feed the parser; refuse when it keeps more than HEAD_LIMIT without giving anything on."""
        if self._refused:
            return
        self._unused += len(data)
        super().data_received(data)
        if self._unused > HEAD_LIMIT:
            self._refuse(_too_large())

    def on_message_begin(self) -> None:
        self._in_head = True
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        # Fields after a chunked body would join the headers, when these have been judged already.
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._unused = 0
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > HEAD_LIMIT:
            self._refuse(_too_large())
            raise ValueError("the head is too large")  # ends the parsing
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._unused = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._unused = 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """The answer to what the parser does not take for HTTP."""
        self._refuse(ApiError(400, "bad_request", msg))

    def _refuse(self, error: ApiError) -> None:
        if self._refused:
            return
        self._refused = True
        if self.cycle and not self.cycle.response_complete:
            if self.cycle.response_started:
                self.transport.close()  # in the midst of an answer there is no place for another
                return
            # The application hears that the caller has gone, and answers nothing more.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        request_id = new_request_id()
        _LOG.warning("refused", extra={"fields": {"status": error.status, "reason": error.message}})
        content = json.dumps(error.as_json(request_id)).encode()
        headers = {
            **SECURITY_HEADERS,
            REQUEST_ID_HEADER: request_id,
            "content-type": "application/json",
            "content-length": str(len(content)),
            "connection": "close",
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.transport.write(STATUS_LINE[error.status] + head.encode() + b"\r\n" + content)
        # Closed at once, with data unread, the caller's system would throw the answer away. So until the caller
        # closes, for some seconds at the most, what still comes is read and forgotten.
        self.transport.write_eof()
        self.loop.call_later(_LINGER_SECONDS, self.transport.close)


def _too_large() -> ApiError:
    return ApiError(431, "head_too_large", f"The request line and headers are larger than {HEAD_LIMIT} bytes.")
