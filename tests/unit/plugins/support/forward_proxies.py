"""Proxies for tests: HTTP CONNECT and SOCKS5, with or without a login, and a plain relay.

Whatever host a client asks for, it reaches `target`; `asked` is the log of what was asked for, so that a test sees
whether and how a proxy was used.
"""

from __future__ import annotations

import base64
import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator

Address = tuple[str, int]


class ForwardProxy:
    """Serves on `port` of `host` in threads of its own; `login` is user:password, None for none."""

    def __init__(self, target: Address, login: str | None = None, host: str = "127.0.0.1") -> None:
        self.target = target
        self.login = login
        self.asked: list[str] = []
        self._listener = socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _peer = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._handle, args=(client,), daemon=True).start()

    def _handle(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client:
            client = self._wrapped(client)
            if self._agreed(client):
                with socket.create_connection(self.target) as upstream:
                    _relay(client, upstream)

    def _wrapped(self, client: socket.socket) -> socket.socket:
        return client

    def _agreed(self, client: socket.socket) -> bool:
        """Take the client's wish; True when bytes are to be passed on."""
        return True


class ConnectProxy(ForwardProxy):
    """An HTTP proxy that only tunnels; with `tls` (certificate, key) it is reached over TLS."""

    tls: tuple[str, str] | None = None

    def _wrapped(self, client: socket.socket) -> socket.socket:
        if self.tls is None:
            return client
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.tls)
        return context.wrap_socket(client, server_side=True)

    def _agreed(self, client: socket.socket) -> bool:
        head = b""
        while b"\r\n\r\n" not in head:
            chunk = client.recv(4096)
            if not chunk:
                return False
            head += chunk
        lines = head.decode("latin-1").split("\r\n")
        self.asked.append(lines[0].split()[1])
        wanted = self.login and f"Basic {base64.b64encode(self.login.encode()).decode()}"
        if wanted and f"proxy-authorization: {wanted}".lower() not in [line.lower() for line in lines]:
            client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return False
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        return True


class SocksProxy(ForwardProxy):
    """SOCKS5 (RFC 1928) with user and password (RFC 1929) where `login` is given."""

    def _agreed(self, client: socket.socket) -> bool:
        methods = _exactly(client, _exactly(client, 2)[1])
        method = 2 if self.login else 0
        if method not in methods:
            client.sendall(b"\x05\xff")
            return False
        client.sendall(bytes([5, method]))
        if self.login and not self._logged_in(client):
            return False
        kind = _exactly(client, 4)[3]
        length = {1: 4, 4: 16}.get(kind) or _exactly(client, 1)[0]
        host = _exactly(client, length)
        port = int.from_bytes(_exactly(client, 2), "big")
        self.asked.append(f"{host.decode() if kind == 3 else host.hex()}:{port}")
        client.sendall(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
        return True

    def _logged_in(self, client: socket.socket) -> bool:
        _exactly(client, 1)
        user = _exactly(client, _exactly(client, 1)[0])
        password = _exactly(client, _exactly(client, 1)[0])
        good = f"{user.decode()}:{password.decode()}" == self.login
        client.sendall(b"\x01\x00" if good else b"\x01\x01")
        return good


def _exactly(client: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        chunk = client.recv(count - len(data))
        if not chunk:
            raise OSError("the client went away")
        data += chunk
    return data


def _relay(left: socket.socket, right: socket.socket) -> None:
    """Pass bytes both ways until one side ends."""

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while chunk := source.recv(65536):
                sink.sendall(chunk)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    back = threading.Thread(target=pump, args=(right, left), daemon=True)
    back.start()
    pump(left, right)
    back.join()


@contextlib.contextmanager
def serving(proxy: ForwardProxy) -> Iterator[ForwardProxy]:
    try:
        yield proxy
    finally:
        proxy.stop()
