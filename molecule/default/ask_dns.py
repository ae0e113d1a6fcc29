"""ask_dns.py SERVER NAME: print the IPv4 address that a name server gives for a name, by one UDP question."""

from __future__ import annotations

import socket
import struct
import sys


def question(name: str) -> bytes:
    """A query for one A record, as RFC 1035 section 4 lays it out."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack(">HHHHHH", 1, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", 1, 1)


def main() -> None:
    """Ask once; the address is the last four bytes of an answer with one A record."""
    server, name = sys.argv[1:]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.sendto(question(name), (server, 53))
        answer = client.recv(512)
    answers = struct.unpack(">H", answer[6:8])[0]
    start = 12 + len(question(name)[12:])
    if not answers:
        sys.exit(f"{server} does not know {name}")
    # name, type, class, time to live, length; the name is a pointer (2 bytes) or spelt out
    start += 2 if answer[start] >= 0xC0 else len(question(name)[12:-4])
    print(socket.inet_ntoa(answer[start + 10 : start + 14]))


if __name__ == "__main__":
    main()
