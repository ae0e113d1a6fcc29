"""The lab's API server as the bench itself writes to it, with a user agent of its own."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import urllib3

PARALLEL = 8
MERGE = "application/merge-patch+json"


class Api:
    """Requests by the administrator's certificate of the lab in `directory`; thread-safe."""

    def __init__(self, directory: Path, server: str) -> None:
        pki = directory / "pki"
        self._server = server
        self._pool = urllib3.PoolManager(
            PARALLEL,
            maxsize=PARALLEL,
            ca_certs=str(pki / "ca.crt"),
            cert_file=str(pki / "admin.crt"),
            key_file=str(pki / "admin.key"),
            timeout=60,
            headers={"User-Agent": "bench-site", "Accept": "application/json"},
        )

    def ask(
        self, method: str, path: str, body: Any = None, content: str = "application/json", missing: bool = False
    ) -> Any:
        """The decoded answer; with `missing` None where there is no such thing. Ends the bench for other refusals."""
        data = None if body is None else json.dumps(body)
        headers = {**self._pool.headers, "Content-Type": content}
        answer = self._pool.request(method, self._server + path, body=data, headers=headers)
        if answer.status == 404 and missing:
            return None
        if answer.status >= 300:
            raise SystemExit(f"bench: {method} {path}: {answer.status} {answer.data[:500]!r}")
        return json.loads(answer.data) if answer.data.startswith(b"{") else answer.data.decode()

    def create_all(self, objects: Iterable[tuple[str, dict[str, Any]]]) -> None:
        """Create objects, each given with the path of its collection, several at a time."""
        with ThreadPoolExecutor(PARALLEL) as pool:
            for _made in pool.map(lambda item: self.ask("POST", item[0], item[1]), objects):
                pass

    def gone(self, path: str, seconds: float = 300) -> None:
        """Wait until there is no such thing any more."""
        limit = time.monotonic() + seconds
        while self.ask("GET", path, missing=True) is not None:
            if time.monotonic() > limit:
                raise SystemExit(f"bench: {path} is still there after {seconds:.0f} s")
            time.sleep(0.5)
