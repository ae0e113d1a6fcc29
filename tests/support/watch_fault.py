"""Faults in the middle of a watch, for the fault proxy: the stream begins well and is spoiled then."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any


@dataclass
class WatchFault:
    """Hits the next `times` watches whose path matches `path`.

    `first` is sent at the start of the stream. `then` is what follows:
    relay (the real stream), close, reset, hang (open, without a byte, until `over` is set),
    swallow (the first real event never arrives, the connection is reset), half (half of it arrives).
    """

    path: str
    first: bytes = b""
    then: str = "relay"
    times: int = 1
    method: str = "GET"
    over: threading.Event = field(default_factory=threading.Event)

    def serve(self, handler: Any) -> None:
        """Answer one watch through the proxy's handler."""
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        _chunk(handler, self.first)
        if self.then == "hang":
            handler.wfile.flush()
            self.over.wait(60)
            return handler._reset()
        if self.then == "reset":
            return handler._reset()
        if self.then == "close":
            return handler.wfile.write(b"0\r\n\r\n")
        response, connection = handler.owner.forward(handler, b"")
        try:
            while data := response.read1(65536):
                if self.then == "swallow":
                    return handler._reset()
                if self.then == "half":
                    _chunk(handler, data[: len(data) // 2])
                    return handler._reset()
                _chunk(handler, data)
            handler.wfile.write(b"0\r\n\r\n")
        except OSError:
            handler.close_connection = True
        finally:
            connection.close()


def _chunk(handler: Any, data: bytes) -> None:
    if data:
        handler.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        handler.wfile.flush()
