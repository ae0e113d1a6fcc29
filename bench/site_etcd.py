"""Copies what an API server has stored to another prefix of the same etcd; runs in the lab's network.

python -m bench.site_etcd PKI FROM TO: prints how many keys were copied.
"""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

HOST, PORT = "127.0.0.1", 2379
PAGE = 50  # keys of a read
OPERATIONS = 100  # of a write: etcd takes 128
MOST = 500_000  # characters of the values of a write: etcd takes 1.5 MB
# Bound to leases of etcd, and made anew by whoever needs them
FLEETING = ("events", "leases", "masterleases", "peerserverleases")


class Etcd:
    """etcd's own JSON gateway, as the API server's client."""

    def __init__(self, pki: Path) -> None:
        context = ssl.create_default_context(cafile=pki / "etcd-ca.crt")
        context.load_cert_chain(pki / "kube-apiserver-etcd-client.crt", pki / "kube-apiserver-etcd-client.key")
        self._connection = http.client.HTTPSConnection(HOST, PORT, context=context, timeout=60)

    def ask(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The decoded answer. Raises RuntimeError for a refusal."""
        self._connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {content[:500]!r}")
        return json.loads(content)

    def pairs(self, prefix: bytes) -> Iterator[tuple[bytes, str]]:
        """Every key below a prefix with its value, which stays encoded."""
        key, end = prefix, prefix[:-1] + bytes([prefix[-1] + 1])
        while True:
            body = {"key": encoded(key), "range_end": encoded(end), "limit": str(PAGE)}
            found = self.ask("/v3/kv/range", body)
            for item in found.get("kvs", []):
                key = base64.b64decode(item["key"])
                yield key, item["value"]
            if not found.get("more"):
                return
            key += b"\0"

    def put(self, pairs: list[tuple[bytes, str]]) -> None:
        """Write all of them."""
        puts = [{"requestPut": {"key": encoded(key), "value": value}} for key, value in pairs]
        self.ask("/v3/kv/txn", {"success": puts})

    def remove(self, prefix: bytes) -> None:
        """Remove everything below a prefix."""
        end = prefix[:-1] + bytes([prefix[-1] + 1])
        self.ask("/v3/kv/deleterange", {"key": encoded(prefix), "range_end": encoded(end)})


def encoded(key: bytes) -> str:
    """As the gateway has keys."""
    return base64.b64encode(key).decode()


def moved(key: bytes, source: bytes, target: bytes) -> bytes | None:
    """The key of the copy; None for what is not copied."""
    rest = key.removeprefix(source)
    return None if rest.split(b"/")[0].decode() in FLEETING else target + rest


def batches(pairs: Iterable[tuple[bytes, str]], most: int) -> Iterator[list[tuple[bytes, str]]]:
    """The pairs in lists whose values have at most so many characters together, or are one."""
    batch: list[tuple[bytes, str]] = []
    size = 0
    for key, value in pairs:
        if batch and (size + len(value) > most or len(batch) == OPERATIONS):
            yield batch
            batch, size = [], 0
        batch.append((key, value))
        size += len(value)
    if batch:
        yield batch


def main(pki: str, source: str, target: str) -> int:
    """Copy; the target is emptied first."""
    etcd, count = Etcd(Path(pki)), 0
    etcd.remove(target.encode())
    found = ((moved(key, source.encode(), target.encode()), value) for key, value in etcd.pairs(source.encode()))
    for batch in batches(((key, value) for key, value in found if key), MOST):
        etcd.put(batch)
        count += len(batch)
    print(count)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
