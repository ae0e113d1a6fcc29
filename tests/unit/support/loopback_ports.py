"""Ports on loopback for servers that must be told theirs, or that start again on the same one."""

from __future__ import annotations

import fcntl
import random
import socket
import tempfile
from pathlib import Path
from typing import IO

# Below the range from which the system gives ports to connections: none of them takes a port while its server is away
FIRST, LAST = 20000, 30000
_LOCKS = Path(tempfile.gettempdir(), "serverless-test-ports")
_held: list[IO[str]] = []


def free_port(consecutive: int = 1) -> int:
    """The first of so many consecutive ports that nobody listens on, and that no other test process is given."""
    while True:
        first = random.randrange(FIRST, LAST - consecutive)
        ports = range(first, first + consecutive)
        locks = [lock for lock in map(_lock, ports) if lock is not None]
        if len(locks) == consecutive and all(map(_is_free, ports)):
            _held.extend(locks)
            return first
        for lock in locks:
            lock.close()


def _lock(port: int) -> IO[str] | None:
    """An open file that keeps the port for this process until it ends; none where another process has it."""
    _LOCKS.mkdir(exist_ok=True)
    lock = (_LOCKS / str(port)).open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        return None
    return lock


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
