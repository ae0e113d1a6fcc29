"""A network of one's own, from which nothing is reached but what a test lets in, and which notes who was asked for."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

INSIDE = Path(__file__).with_name("inside.py")


class ClosedNetwork:
    """Namespaces with a network, hosts file and name server of their own; `hosts` has addresses by name.

    Commands are run in it by the words of `enter`. Nothing of the machine outside is changed.
    """

    def __init__(self, directory: Path, hosts: Mapping[str, str] | None = None) -> None:
        self._log = directory / "asked.jsonl"
        self._log.touch()
        self._control, theirs = socket.socketpair()
        words = ["unshare", "--net", "--mount", "--propagation", "private", sys.executable, str(INSIDE), str(self._log)]
        self._process = subprocess.Popen(words, stdin=theirs)
        theirs.close()
        self._command(hosts=dict(hosts or {}))
        self.enter = ["nsenter", f"--target={self._process.pid}", "--net", "--mount"]

    def stop(self) -> None:
        """End it; with its last process the namespaces go."""
        self._control.close()
        self._process.wait(10)

    def close_by(self, mode: str) -> None:
        """Say how the world outside is closed: drop, swallow, refuse or names, as in inside.py."""
        self._command(mode=mode)

    def let_in(self, address: str, port: int, to: tuple[str, int] | None = None) -> None:
        """Have what listens outside at this address and port, or at `to`, reached at it inside."""
        listening = self._command(listen=[address, port])
        threading.Thread(target=_serve, args=(listening, to or (address, port)), daemon=True).start()

    def since(self) -> int:
        """Where the log ends now."""
        return self._log.stat().st_size

    def entries(self, since: int = 0) -> list[dict[str, Any]]:
        """What was noted after that point."""
        return [json.loads(line) for line in self._log.read_bytes()[since:].decode().splitlines()]

    def reached_for(self, since: int = 0) -> dict[str, int]:
        """How many connections to each host:port were begun, whatever came of them, and how often a name was asked for.

        The keys are host:port and 'name X'.
        """
        begun = {
            (f"{entry['host']}:{entry['port']}", entry["begin"]) for entry in self.entries(since) if "host" in entry
        }
        names = [f"name {entry['name']}" for entry in self.entries(since) if "name" in entry]
        return dict(sorted(Counter([*(where for where, _begin in begun), *names]).items()))

    def _command(self, **command: Any) -> socket.socket | None:
        self._control.sendall(json.dumps(command).encode() + b"\n")
        answer, descriptors, _flags, _address = socket.recv_fds(self._control, 100, 1)
        assert answer, "the process in the namespaces has ended"
        return socket.socket(fileno=descriptors[0]) if descriptors else None


def _serve(listening: socket.socket, to: tuple[str, int]) -> None:
    while True:
        client, _address = listening.accept()
        threading.Thread(target=_relay, args=(client, to), daemon=True).start()


def _relay(client: socket.socket, to: tuple[str, int]) -> None:
    try:
        server = socket.create_connection(to, timeout=10)
    except OSError:
        client.close()
        return
    server.settimeout(None)
    back = threading.Thread(target=_pump, args=(server, client), daemon=True)
    back.start()
    _pump(client, server)
    back.join()
    client.close()
    server.close()


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(1 << 18):
            target.sendall(data)
    except OSError:
        pass
    try:
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def environment(home: Path, *programs: Path, **more: str) -> dict[str, str]:
    """The environment of a user with an empty home folder: nothing of this machine's own settings."""
    tools = home / "bin"
    tools.mkdir(parents=True, exist_ok=True)
    for program in programs:
        if not (tools / program.name).exists():
            (tools / program.name).symlink_to(program)
    path = os.pathsep.join(
        map(str, (Path(sys.executable).parent, tools, "/usr/local/sbin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"))
    )
    return {"HOME": str(home), "PATH": path, "LANG": "C.UTF-8", "TERM": "dumb", "USER": "root", **more}
