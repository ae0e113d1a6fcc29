"""Servers on loopback that speak TLS, and WebSocket over it as kubelets and API servers do (RFC 6455)."""

from __future__ import annotations

import base64
import hashlib
import socket
import ssl
import threading
from pathlib import Path
from typing import Any, Self

MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3


class TlsServer:
    """Takes connections from `with` on, each in a thread of its own; subclasses serve them after the handshake."""

    def __init__(self, certificate: Path, key: Path, host: str = "127.0.0.1") -> None:
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificate, key)
        self._listener = socket.create_server((host, 0))
        self.port = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._listener.close()

    def serve(self, client: ssl.SSLSocket) -> None:
        """Nothing: the connection is closed after the handshake."""

    def _accept(self) -> None:
        while True:
            try:
                plain, _address = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._handshake, args=(plain,), daemon=True).start()

    def _handshake(self, plain: socket.socket) -> None:
        try:
            client = self._tls.wrap_socket(plain, server_side=True)
        except OSError:  # a client that does not trust the certificate
            plain.close()
            return
        with client:
            self.serve(client)


def upgrade(client: ssl.SSLSocket, protocol: str) -> tuple[Any, str]:
    """Read a request and go over to WebSocket; what the client sends from here on, and the path that it asked for."""
    reader = client.makefile("rb")
    path = reader.readline().split()[1].decode()
    lines = (line.partition(b":") for line in iter(reader.readline, b"\r\n"))
    headers = {name.lower(): value.strip() for name, _colon, value in lines}
    accept = base64.b64encode(hashlib.sha1(headers[b"sec-websocket-key"] + MAGIC).digest()).decode()
    answer = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"]
    answer += [f"Sec-WebSocket-Accept: {accept}", f"Sec-WebSocket-Protocol: {protocol}", "", ""]
    client.sendall("\r\n".join(answer).encode())
    return reader, path
