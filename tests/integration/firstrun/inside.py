"""What runs in the namespaces of a closed network: it makes the network, answers names, and notes who is asked for.

Usage: unshare --net --mount --propagation private python inside.py LOG, with a Unix socket as standard input. Every
line of JSON there is a command; an answer is a line too, and has a listening socket with it where one was asked for.

Nothing leads out. Every name that is not in the hosts file has an address of 198.18.0.0/15 of its own, so that a try to
reach it is seen with its name. LOG gets a line of JSON for each name that is asked for and each connection that is
begun, whatever comes of it. With the word `watch` behind LOG it only notes what leaves the network that it is in.
"""

from __future__ import annotations

import ctypes
import ipaddress
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

MADE_UP = "198.18.0.0/15"  # RFC 2544: for tests, routed nowhere
NAME_SERVER = "127.0.0.53"
PORTS = (80, 443)
# Loopback, private (pods, services and nodes of the lab), link-local, multicast
INNER = ("127.0.0.0/8", "10.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "::1/128", "fe80::/10", "ff00::/8")
_OUTGOING = 4  # of packet(7): on the loopback every packet is seen twice
_ATTACH_FILTER = 26  # SO_ATTACH_FILTER of socket(7)
# What the kernel is to hand over (socket(7), bpf(4)): code, jumps if true and if false, operand
_BEGINNINGS = (
    (0x30, 0, 0, 0),  # byte 0
    (0x74, 0, 0, 4),  # the version
    (0x15, 7, 0, 6),  # IPv6: to 10
    (0x30, 0, 0, 9),  # IPv4: the protocol
    (0x15, 11, 0, 17),  # UDP: take it
    (0x15, 0, 11, 6),  # no TCP: leave it
    (0xB1, 0, 0, 0),  # the header's length
    (0x50, 0, 0, 13),  # the flags behind it
    (0x54, 0, 0, 0x12),
    (0x15, 6, 7, 0x02),  # SYN without ACK: take it
    (0x30, 0, 0, 6),  # 10: IPv6: the protocol
    (0x15, 4, 0, 17),
    (0x15, 0, 4, 6),
    (0x30, 0, 0, 53),
    (0x54, 0, 0, 0x12),
    (0x15, 0, 1, 0x02),
    (0x06, 0, 0, 0x40000),  # take it
    (0x06, 0, 0, 0),  # leave it
)
_TYPE_A = 1


class Names:
    """The addresses of names, made up in their order. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._addresses: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._free = ipaddress.ip_network(MADE_UP).hosts()

    def address(self, name: str) -> str:
        with self._lock:
            if name not in self._addresses:
                self._addresses[name] = str(next(self._free))
                self._names[self._addresses[name]] = name
            return self._addresses[name]

    def name(self, address: str) -> str:
        return self._names.get(address, address)


class Inside:
    """The network, its name server and its log; `mode` says how the world outside is closed.

    drop: no answer to a connection. swallow: connected, and then nothing. refuse: refused at once. names: no name
    server answers.
    """

    def __init__(self, log: TextIO) -> None:
        self.mode = "drop"
        self._log = log
        self._lock = threading.Lock()
        self._names = Names()
        self._swallowed: list[socket.socket] = []

    def set_up(self, hosts: dict[str, str]) -> None:
        """Make links and routes, and the files by which names are looked up."""
        _ip("link set lo up")
        _ip("link add out type veth peer name nowhere")
        # No neighbour is asked for, so that packets vanish in silence.
        _ip("link set out arp off up")
        _ip("link set nowhere arp off up")
        _ip("address add 192.0.2.2/24 dev out")
        _ip("route add default dev out")
        directory = Path(tempfile.mkdtemp(prefix="closed-network-"))
        lines = "".join(f"{address} {name}\n" for name, address in hosts.items())
        for name, text in (
            ("hosts", f"127.0.0.1 localhost\n{lines}"),
            ("resolv.conf", f"nameserver {NAME_SERVER}\n"),
            ("nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"),
        ):
            (directory / name).write_text(text)
            subprocess.run(["mount", "--bind", directory / name, f"/etc/{name}"], check=True)
        threading.Thread(target=self._sniff, daemon=True).start()
        threading.Thread(target=self._serve_names, daemon=True).start()
        for port in PORTS:
            threading.Thread(target=self._swallow, args=(port,), daemon=True).start()

    def close_by(self, mode: str) -> None:
        """Change how the world outside is closed."""
        _ip(f"route del local {MADE_UP} dev lo", check=False)
        _ip(f"route del unreachable {MADE_UP}", check=False)
        if mode == "swallow":
            _ip(f"route add local {MADE_UP} dev lo")
        elif mode == "refuse":
            _ip(f"route add unreachable {MADE_UP}")
        self.mode = mode

    def note(self, **entry: Any) -> None:
        with self._lock:
            print(json.dumps({"time": round(time.time(), 3), **entry}), file=self._log, flush=True)

    def _swallow(self, port: int) -> None:
        """Take connections to addresses that lead here, and say nothing."""
        with socket.create_server(("0.0.0.0", port), backlog=128) as server:
            while True:
                self._swallowed.append(server.accept()[0])

    def _serve_names(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.bind((NAME_SERVER, 53))
            while True:
                question, client = server.recvfrom(4096)
                name, kind, end = _question(question)
                self.note(name=name)
                if self.mode == "names":
                    continue
                answer = b""
                if kind == _TYPE_A:
                    packed = socket.inet_aton(self._names.address(name))
                    answer = b"\xc0\x0c" + struct.pack("!HHIH", _TYPE_A, 1, 1, 4) + packed
                head = question[:2] + struct.pack("!HHHHH", 0x8180, 1, int(bool(answer)), 0, 0)
                server.sendto(head + question[12:end] + answer, client)

    def _sniff(self) -> None:
        for kind, begin, address, port in beginnings():
            if address != NAME_SERVER:  # which notes the names itself
                self.note(protocol=kind, begin=begin, host=self._names.name(address), port=port)


def beginnings() -> Iterator[tuple[str, int, str, int]]:
    """What is begun in this network, as in _destination: TCP connections, and all of UDP."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.ntohs(0x0003)) as tap:
        program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in _BEGINNINGS))
        address = ctypes.addressof(program)
        tap.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, struct.pack("HL", len(_BEGINNINGS), address))
        while True:
            packet, (_interface, protocol, direction, *_rest) = tap.recvfrom(65535)
            found = _destination(packet, protocol) if protocol in (0x0800, 0x86DD) else None
            if found and direction == _OUTGOING:
                yield found


def _destination(packet: bytes, protocol: int) -> tuple[str, int, str, int] | None:
    """Protocol, our port, address and port of a packet that begins something; None for others.

    A packet that is sent again has the same port of ours.
    """
    if protocol == 0x0800:
        kind, address, rest = packet[9], socket.inet_ntoa(packet[16:20]), packet[(packet[0] & 15) * 4 :]
        if packet[12:16] == socket.inet_aton(NAME_SERVER):  # an answer
            return None
    else:
        kind, address, rest = packet[6], socket.inet_ntop(socket.AF_INET6, packet[24:40]), packet[40:]
    ports = struct.unpack("!HH", rest[:4]) if len(rest) >= 4 else (0, 0)
    if kind == socket.IPPROTO_TCP:
        return "tcp", ports[0], address, ports[1]
    if kind == socket.IPPROTO_UDP:
        return "udp", ports[0], address, ports[1]
    return None


def _question(message: bytes) -> tuple[str, int, int]:
    """The name and type that a DNS message asks for, and where the question ends."""
    labels, at = [], 12
    while message[at]:
        labels.append(message[at + 1 : at + 1 + message[at]].decode("ascii", "replace"))
        at += 1 + message[at]
    return ".".join(labels).lower(), struct.unpack("!H", message[at + 1 : at + 3])[0], at + 5


def _ip(words: str, check: bool = True) -> None:
    subprocess.run(["ip", *words.split()], check=check, capture_output=not check)


def watch(log: TextIO) -> None:
    """Note what is begun in a network that others made, as far as it leads out of it."""
    inner = [ipaddress.ip_network(text) for text in INNER]
    for kind, begin, address, port in beginnings():
        if not any(ipaddress.ip_address(address) in network for network in inner):
            entry = {"time": round(time.time(), 3), "protocol": kind, "begin": begin, "host": address, "port": port}
            print(json.dumps(entry), file=log, flush=True)


def main() -> None:
    """Serve commands until standard input ends; with 'watch' as second argument note what is begun here."""
    if sys.argv[2:] == ["watch"]:
        with open(sys.argv[1], "a", encoding="utf-8") as log:
            watch(log)
    control = socket.socket(fileno=os.dup(0))
    with open(sys.argv[1], "a", encoding="utf-8") as log, control.makefile("r", encoding="utf-8") as lines:
        inside = Inside(log)
        for line in lines:
            command = json.loads(line)
            if "hosts" in command:
                inside.set_up(command["hosts"])
            if "mode" in command:
                inside.close_by(command["mode"])
            if "listen" in command:
                server = socket.create_server(tuple(command["listen"]), backlog=128)
                socket.send_fds(control, [b"{}\n"], [server.fileno()])
                server.close()
            else:
                control.sendall(b"{}\n")


if __name__ == "__main__":
    main()
