"""A port of a pod: what the API server says without a node, and the frames as a node sends them."""

from __future__ import annotations

import http.client
import struct

import pytest
import websocket
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.port_forward import (
    Bytes,
    PodPort,
    Request,
    ask,
    read_answer,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import ClusterError
from releases import namespace

NUMBER = struct.pack("<H", 20001)
BINARY, CLOSE = websocket.ABNF.OPCODE_BINARY, websocket.ABNF.OPCODE_CLOSE


class Frames:
    """Gives frames as a WebSocket does, then closes with a word or without."""

    def __init__(self, *frames: bytes, says_goodbye: bool = True) -> None:
        self.frames = list(frames)
        self.says_goodbye = says_goodbye

    def recv_data(self) -> tuple[int, bytes]:
        if self.frames:
            return BINARY, self.frames.pop(0)
        if self.says_goodbye:
            return CLOSE, b""
        raise websocket.WebSocketConnectionClosedException("gone")


def numbered(*data: bytes) -> list[bytes]:
    """The frames that every port begins with, then data."""
    return [b"\x00" + NUMBER, b"\x01" + NUMBER, *(b"\x00" + piece for piece in data)]


HEAD = b"HTTP/1.1 200 OK\r\nSet-Cookie: kiali-token=abc; Path=/\r\nSet-Cookie: other=1\r\n"


@pytest.mark.parametrize("says_goodbye", [True, False])
@pytest.mark.parametrize("how", ["length", "chunked", "closed"])
def test_an_answer_out_of_frames(how: str, says_goodbye: bool) -> None:
    body = b"x" * 70000
    sent = {
        "length": HEAD + b"Content-Length: 70000\r\n\r\n" + body,
        "chunked": HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n",
        "closed": HEAD + b"\r\n" + body,
    }[how]
    pieces = [sent[at : at + 1000] for at in range(0, len(sent), 1000)]
    found = read_answer(Bytes(Frames(*numbered(*pieces), says_goodbye=says_goodbye)))
    assert (found.status, found.body) == (200, body)
    assert found.cookies == {"kiali-token": "abc", "other": "1"}


def test_the_ports_number_may_come_with_data_or_in_pieces() -> None:
    sent = HEAD + b"Content-Length: 2\r\n\r\nok"
    for frames in (
        [b"\x00" + NUMBER + sent],
        [b"\x00" + NUMBER[:1], b"\x00", b"", b"\x00" + NUMBER[1:] + sent[:5], b"\x00" + sent[5:]],
    ):
        assert read_answer(Bytes(Frames(*frames))).body == b"ok"


def test_what_the_node_says_of_a_fault_is_told() -> None:
    said = b"error forwarding port 20001 to pod p: connect: connection refused"
    with pytest.raises(OSError, match="connection refused"):
        read_answer(Bytes(Frames(*numbered(), b"\x01" + said)))


@pytest.mark.parametrize("sent", [b"", b"no HTTP at all\r\n\r\n"])
def test_what_is_no_http_is_an_error(sent: bytes) -> None:
    with pytest.raises(http.client.HTTPException):
        read_answer(Bytes(Frames(*numbered(sent))))


def test_a_cut_answer_is_an_error() -> None:
    with pytest.raises(http.client.IncompleteRead):
        read_answer(Bytes(Frames(*numbered(HEAD + b"Content-Length: 9\r\n\r\nshort"))))


def test_a_request_is_alone_on_its_connection() -> None:
    text = bytes(Request("/login", "POST", {"Content-Type": "text/plain"}, b"token=x"))
    head, _blank, body = text.partition(b"\r\n\r\n")
    assert body == b"token=x"
    assert head.splitlines() == [
        b"POST /login HTTP/1.1", b"Host: localhost", b"Connection: close", b"Content-Type: text/plain",
        b"Content-Length: 7",
    ]  # fmt: skip


def test_the_api_server_has_no_way_to_a_pod_without_a_node(cluster: Cluster, name: str) -> None:
    cluster.apply(namespace(name))
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": name}}
    cluster.apply(account)
    spec = {"containers": [{"name": "c", "image": "example.org/x"}], "automountServiceAccountToken": False}
    cluster.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": name}, "spec": spec})
    with pytest.raises(ClusterError, match=f"port 20001 of pod {name}/p: status 400: pod p does not have a host"):
        ask(cluster, PodPort(name, "p", 20001), Request("/"), silence=10)
    with pytest.raises(ClusterError, match='status 404: pods "q" not found'):
        ask(cluster, PodPort(name, "q", 20001), Request("/"), silence=10)
