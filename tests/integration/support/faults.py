"""The fault proxy before the lab's API server: one kind of fault for one class of requests."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import yaml
from fault_proxy import Fault, FaultProxy, Upstream
from watch_fault import WatchFault

# /api/v1/namespaces/NS/KIND/NAME, /apis/GROUP/VERSION/KIND and all between; a namespace itself is .../namespaces/NAME
OBJECT = re.compile(
    r"^/(?:api/[^/]+|apis/[^/]+/[^/]+)(?:/namespaces/[^/]+(?=/[^/]+))?/(?P<kind>[^/]+)(?:/(?P<name>[^/]+))?$"
)
STATUS = (
    b'{"kind":"Status","apiVersion":"v1","status":"Failure","message":"injected","reason":"InternalError","code":%d}'
)
ELSEWHERE = {"Location": "/elsewhere"}


def class_of(method: str, target: str) -> str | None:
    """GET, LIST, WATCH, PATCH or DELETE of objects; None for discovery and the like, and for rehearsed deletions."""
    url = urlsplit(target)
    found = OBJECT.match(url.path)
    if not found:
        return None
    if method == "DELETE" and "dryRun" in parse_qs(url.query):
        return None
    if method in ("PATCH", "DELETE"):
        return method
    if method != "GET":
        return None
    if parse_qs(url.query).get("watch", ["false"])[0] in ("true", "1"):
        return "WATCH"
    return "GET" if found["name"] else "LIST"


def _fault(action: int | str, body: bytes = b"", headers: dict[str, str] | None = None, seconds: float = 0) -> Fault:
    """A fault for whatever requests `ClassProxy.inject` says."""
    return Fault("", "", action, headers=headers or {}, body=body, seconds=seconds)


def _refusal(status: int, headers: dict[str, str] | None = None) -> Fault:
    """An answer as the API server or a load balancer before it gives."""
    return _fault(status, STATUS % status, headers)


FAULTS = {
    "429 with Retry-After": _refusal(429, {"Retry-After": "1"}),
    "429": _refusal(429),
    **{str(status): _refusal(status) for status in (500, 502, 503, 504)},
    "3xx with a body": _fault(307, b"<html>elsewhere</html>", ELSEWHERE),
    "3xx without a body": _fault(307, headers=ELSEWHERE),
    "empty 2xx": _fault(200),
    "null": _fault(200, b"null"),
    "reset before": _fault("reset"),
    "reset after send": _fault("lost-reply"),
    "cut body": _fault("truncate"),
    "garbage body": _fault("garbage"),
    "stall": _fault("stall", seconds=10),
}


class ClassProxy(FaultProxy):
    """The first request for each path of the class `target` meets `fault`; `hits` are their paths.

    A stall of 10 s meets only the first request: as many as there are paths would be one after the other.
    """

    def __init__(self, directory: Path, address: str) -> None:
        pki = directory / "pki"
        server, admin = ((pki / f"{name}.crt", pki / f"{name}.key") for name in ("kube-apiserver", "admin"))
        self.target, self.fault = "", FAULTS["429"]
        self.hits: list[str] = []
        super().__init__(Upstream(address, 6443, pki / "ca.crt", server, admin))

    def kubeconfig(self, original: Path, path: Path) -> Path:
        """Write a kubeconfig like the lab's that leads through the proxy."""
        config = yaml.safe_load(original.read_text())
        for cluster in config["clusters"]:
            cluster["cluster"]["server"] = self.url
        path.touch(mode=0o600)
        path.write_text(yaml.safe_dump(config))
        return path

    def inject(self, target: str, fault: Fault) -> None:
        """From now on misbehave like this, and forget the hits of before."""
        with self._lock:
            self.target, self.fault, self.hits = target, fault, []

    def next_fault(self, method: str, path: str) -> Fault | WatchFault | None:
        """The fault that this request is to meet."""
        plain = urlsplit(path).path
        with self._lock:
            if class_of(method, path) != self.target or plain in self.hits:
                return None
            if self.fault.action == "stall" and self.hits:
                return None
            self.hits.append(plain)
            return self.fault
