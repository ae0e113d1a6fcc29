"""The part of a kubelet that forwards ports of pods, for an API server that has no node.

It speaks v4.channel.k8s.io as k8s.io/cri-streaming does (pkg/streaming/portforward/websocket.go); the ports of all pods
are those of this machine, or what `ports` says.
"""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tls_servers import TlsServer, upgrade

BINARY, CLOSE = 0x82, 0x88  # final frames


class KubeletPorts(TlsServer):
    """`asked` has the paths of the API server's requests. Use as a context manager."""

    def __init__(self, certificate: Path, key: Path) -> None:
        super().__init__(certificate, key)
        self.ports: dict[int, int] = {}
        self.asked: list[str] = []

    def node(self, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """A Node that stands for this kubelet, and its status."""
        addresses = [{"type": "InternalIP", "address": "127.0.0.1"}]
        endpoint = {"kubeletEndpoint": {"Port": self.port}}
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}
        return node, {"status": {"addresses": addresses, "daemonEndpoints": endpoint}}

    def serve(self, client: ssl.SSLSocket) -> None:
        reader, path = upgrade(client, "v4.channel.k8s.io")
        self.asked.append(path)
        number = int(parse_qs(urlsplit(path).query)["port"][0])
        for channel in (b"\x00", b"\x01"):
            client.sendall(_frame(BINARY, channel + struct.pack("<H", number)))
        try:
            self._forward(client, reader, number)
        except OSError as error:
            client.sendall(_frame(BINARY, b"\x01" + f"error forwarding port {number}: {error}".encode()))
        with suppress(OSError):  # who only wanted to shake hands has hung up
            client.sendall(_frame(CLOSE, b""))

    def _forward(self, client: ssl.SSLSocket, reader: Any, number: int) -> None:
        with socket.create_connection(("127.0.0.1", self.ports.get(number, number)), 20) as pod:
            threading.Thread(target=_pump, args=(reader, pod), daemon=True).start()
            while chunk := pod.recv(4096):
                client.sendall(_frame(BINARY, b"\x00" + chunk))


def _pump(reader: Any, pod: socket.socket) -> None:
    """Hand on what the client sends, until it closes."""
    try:
        while True:
            kind, sent = _payload(reader)
            if kind != BINARY:
                return
            assert sent[:1] == b"\x00"
            pod.sendall(sent[1:])
    except (OSError, IndexError, ValueError):
        return  # it has gone


def _frame(kind: int, payload: bytes) -> bytes:
    """An unmasked frame, as servers send it."""
    if len(payload) < 126:
        return bytes([kind, len(payload)]) + payload
    return bytes([kind, 126]) + struct.pack(">H", len(payload)) + payload


def _payload(reader: Any) -> tuple[int, bytes]:
    """The kind of the next frame, and what is in it, masked as clients send it."""
    kind, length = reader.read(2)
    length &= 0x7F
    if length == 126:
        [length] = struct.unpack(">H", reader.read(2))
    mask = reader.read(4)
    return kind, bytes(byte ^ mask[at % 4] for at, byte in enumerate(reader.read(length)))
