# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a command in a container, with bytes in and bytes out, over the API server's WebSocket.

The protocol is v5.channel.k8s.io (k8s.io/apimachinery/pkg/util/remotecommand): the first byte of a frame is its
channel, 255 says that the channel of the second byte ends. Served since Kubernetes 1.30.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

try:
    import websocket
except ImportError:  # it comes with the kubernetes package, whose absence context.connect reports
    websocket = None

from ..errors import ClusterError, ReleaseError
from .cluster import Cluster
from .pod_stream import open_stream

PROTOCOL = "v5.channel.k8s.io"
STDIN, STDOUT, STDERR, STATUS, CLOSE = 0, 1, 2, 3, 255
MOST_STDERR = 64 * 1024  # bytes that are kept of it


@dataclass(frozen=True)
class Container:
    """A container of a pod."""

    namespace: str
    pod: str
    name: str


def run_in_container(
    cluster: Cluster,
    container: Container,
    command: list[str],
    given: Iterable[bytes] | None = None,
    take: Callable[[bytes], Any] = bytes,
    silence: float = 600.0,
) -> str:
    """Run `command`, feed it the chunks of `given`, hand its output to `take` in chunks; return its standard error.

    `silence` is how many seconds may pass without a byte from it. Raises ReleaseError for an exit code other than 0,
    with the standard error, and ClusterError when the connection does not come about or breaks. No secret belongs in
    `command`: the API server logs it.

    All is given before anything is taken, in one thread: OpenSSL allows no reading beside writing on one connection.
    So a command must read all of its input, and not write much before it has.
    """
    socket = _connect(cluster, container, command, given is not None, silence)
    try:
        if given is not None:
            _feed(socket, given)
        stderr, status = _listen(socket, take)
    except (websocket.WebSocketException, OSError) as error:
        where = f"exec in pod {container.namespace}/{container.pod}"
        said = cluster.transport.connection.redacted(str(error))
        raise ClusterError(f"{where}: the connection broke before the command ended: {said}") from None
    finally:
        socket.close()
    text = stderr.decode("utf-8", "replace").strip()
    if status.get("status") != "Success":
        reason = text or status.get("message", "no status came")
        raise ReleaseError(f"{command[0]} in pod {container.namespace}/{container.pod} failed: {reason}")
    return text


def _connect(cluster: Cluster, container: Container, command: list[str], has_stdin: bool, silence: float) -> Any:
    query = [("container", container.name), ("stdout", "true"), ("stderr", "true")]
    query += [("stdin", "true")] if has_stdin else []
    query += [("command", word) for word in command]
    path = f"/api/v1/namespaces/{container.namespace}/pods/{container.pod}/exec?{urlencode(query)}"
    what = f"exec in pod {container.namespace}/{container.pod}"
    return open_stream(cluster, path, PROTOCOL, what, silence)


def _feed(socket: Any, chunks: Iterable[bytes]) -> None:
    try:
        for chunk in chunks:
            socket.send_binary(bytes([STDIN]) + chunk)
        socket.send_binary(bytes([CLOSE, STDIN]))
    except (websocket.WebSocketException, OSError):
        return  # the command ended before it had read all; its status tells why


def _listen(socket: Any, take: Callable[[bytes], Any]) -> tuple[bytes, dict[str, Any]]:
    """Read until the server closes, since the status may overtake the last output; return standard error and status."""
    stderr, status = b"", {}
    while True:
        try:
            opcode, frame = socket.recv_data()
        except websocket.WebSocketConnectionClosedException:
            if not status:
                raise
            return stderr, status  # it closes without saying so at times
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            return stderr, status
        channel, data = (frame[0], frame[1:]) if frame else (CLOSE, b"")
        if channel == STDOUT and data:
            take(data)
        elif channel == STDERR:
            stderr = (stderr + data)[-MOST_STDERR:]
        elif channel == STATUS and data:
            status = json.loads(data)
