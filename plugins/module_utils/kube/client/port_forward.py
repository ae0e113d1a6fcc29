# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP and TLS with a port of a pod, as `kubectl port-forward` reaches it: past Services and NetworkPolicies.

The protocol is v4.channel.k8s.io (k8s.io/cri-streaming, pkg/streaming/portforward/websocket.go): channel 0 carries the
bytes of the first port, channel 1 says what went wrong, and each begins with the port's number in two bytes.
"""

from __future__ import annotations

import http.client
import io
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, cast

try:
    import websocket
except ImportError:  # it comes with the kubernetes package, whose absence context.connect reports
    websocket = None

from ..errors import ClusterError
from .cluster import Cluster
from .pod_stream import open_stream

PROTOCOL = "v4.channel.k8s.io"
DATA, FAULT = 0, 1
NUMBER = 2  # bytes of the port's number
_CHUNK = 65536  # bytes that are read at once
MOST_BYTES = 32 * 1024 * 1024  # of one answer


@dataclass(frozen=True)
class PodPort:
    """A TCP port of a pod."""

    namespace: str
    pod: str
    port: int

    def __str__(self) -> str:
        return f"port {self.port} of pod {self.namespace}/{self.pod}"


@dataclass(frozen=True)
class Request:
    """What is asked; `path` has its query. A body has its type among the headers."""

    path: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def __bytes__(self) -> bytes:
        """The request as it is sent: alone on its connection."""
        lines = [f"{self.method} {self.path} HTTP/1.1", "Host: localhost", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        lines += [f"Content-Length: {len(self.body)}"] if self.body else []
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + self.body


@dataclass(frozen=True)
class Answer:
    """What came back, whatever its status. `cookies` are those that it sets."""

    status: int
    body: bytes
    cookies: Mapping[str, str] = field(default_factory=dict)


def ask(cluster: Cluster, target: PodPort, request: Request, silence: float = 60.0) -> Answer:
    """Send one request and read its answer; `silence` is how many seconds may pass without a byte.

    Raises ClusterError when the way to the port does not come about or breaks, or what answers is no HTTP.
    """
    stream = _opened(cluster, target, silence)
    try:
        stream.send_binary(bytes([DATA]) + bytes(request))
        return read_answer(Bytes(stream), request.method)
    except (websocket.WebSocketException, http.client.HTTPException, OSError) as error:
        said = cluster.transport.connection.redacted(str(error)) or type(error).__name__
        raise ClusterError(f"{target}: {said}") from None
    finally:
        stream.close()


def handshake(cluster: Cluster, target: PodPort, context: ssl.SSLContext, name: str, silence: float = 10.0) -> None:
    """Shake hands with a TLS server at the port, whose certificate is to be for `name`, and hang up.

    Raises ssl.SSLCertVerificationError for a certificate that the context does not accept, and ClusterError when the
    way to the port does not come about or breaks, or what answers is no TLS.
    """
    stream = _opened(cluster, target, silence)
    source, incoming, outgoing = Bytes(stream), ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname=name)
    try:
        while True:
            try:
                tls.do_handshake()
                return
            except ssl.SSLWantReadError:
                stream.send_binary(bytes([DATA]) + outgoing.read())
                received = source.read(_CHUNK)
            if not received:
                raise OSError("it hangs up during the handshake")
            incoming.write(received)
    except ssl.SSLCertVerificationError:
        raise
    except (websocket.WebSocketException, OSError) as error:
        said = cluster.transport.connection.redacted(str(error)) or type(error).__name__
        raise ClusterError(f"{target}: {said}") from None
    finally:
        stream.close()


def _opened(cluster: Cluster, target: PodPort, silence: float) -> Any:
    path = f"/api/v1/namespaces/{target.namespace}/pods/{target.pod}/portforward?ports={target.port}"
    return open_stream(cluster, path, PROTOCOL, str(target), silence)


class Bytes(io.RawIOBase):
    """What a port sends, out of the frames of a WebSocket. Raises OSError with the words of the channel for faults."""

    def __init__(self, stream: Any) -> None:
        super().__init__()
        self._stream = stream
        self._left = b""
        self._numbers = {DATA: NUMBER, FAULT: NUMBER}

    def readable(self) -> bool:
        """See the base."""
        return True

    def readinto(self, buffer: Any) -> int:
        """See the base; 0 when the port has closed."""
        while not self._left:
            frame = self._frame()
            if frame is None:
                return 0
            self._left = self._of_port(frame)
        size = min(len(buffer), len(self._left))
        buffer[:size], self._left = self._left[:size], self._left[size:]
        return size

    def _frame(self) -> bytes | None:
        try:
            opcode, frame = self._stream.recv_data()
        except websocket.WebSocketConnectionClosedException:
            return None
        return None if opcode == websocket.ABNF.OPCODE_CLOSE else frame

    def _of_port(self, frame: bytes) -> bytes:
        channel, data = (frame[0], frame[1:]) if frame else (DATA, b"")
        number = min(self._numbers.get(channel, 0), len(data))
        if number:
            self._numbers[channel] -= number
        data = data[number:]
        if channel == FAULT and data:
            raise OSError(data.decode("utf-8", "replace"))
        return data if channel == DATA else b""


class _Connected:
    """What http.client wants of a socket."""

    def __init__(self, source: io.RawIOBase) -> None:
        self._source = source

    def makefile(self, *_args: Any, **_kwargs: Any) -> BinaryIO:
        return cast(BinaryIO, io.BufferedReader(self._source))


def read_answer(source: io.RawIOBase, method: str = "GET") -> Answer:
    """One HTTP answer to a request of this method. Raises HTTPException, and OSError, for one that is too long too."""
    response = http.client.HTTPResponse(cast(Any, _Connected(source)), method=method)
    response.begin()
    body = response.read(MOST_BYTES + 1)
    if len(body) > MOST_BYTES:
        raise OSError(f"its answer is longer than {MOST_BYTES} bytes")
    if response.length:
        raise http.client.IncompleteRead(body, response.length)
    pairs = (line.partition(";")[0].partition("=") for line in response.headers.get_all("Set-Cookie") or [])
    return Answer(response.status, body, {name.strip(): value for name, _equals, value in pairs})
