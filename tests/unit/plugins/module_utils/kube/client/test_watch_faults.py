"""A watch on the real API server, spoiled on its path: what is waited for is seen all the same, and soon."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client import watch
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.watch import Informer
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import WaitError
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.wait.targets import Target
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.wait.waiting import wait_for
from fault_proxy import Fault, FaultProxy
from releases import config_map, definition, document, namespace
from watch_fault import WatchFault

WATCH = "watch=1"
STATUS = b'{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"gone mad","code":500}'
EXPIRED = (
    b'{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",'
    b'"message":"too old resource version: 1 (2)","reason":"Expired","code":410}}'
)
POD = b'{"type":"ADDED","object":{"kind":"Pod","apiVersion":"v1","metadata":{"name":"late","resourceVersion":"1"}}}'


def answer(status: int, body: bytes = b"", **headers: str) -> Callable[[], Fault]:
    """A whole answer in place of the stream."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda: Fault("GET", WATCH, status, times=2, headers=given, body=body)


def line(first: bytes, then: str = "relay") -> Callable[[], WatchFault]:
    return lambda: WatchFault(WATCH, first + b"\n" if first else b"", then, times=2)


FAULTS = {
    "429 with Retry-After": answer(429, STATUS, Retry_After="1"),
    "429 without": answer(429, b""),
    "500": answer(500, STATUS),
    "502": answer(502, b"<html>bad gateway</html>"),
    "503": answer(503, STATUS),
    "504": answer(504, b""),
    "410": answer(410, STATUS),
    "301 with body": answer(301, b"<html>moved</html>", Location="/elsewhere"),
    "307 without body": answer(307),
    "302 to another host": answer(302, b"", Location="https://127.0.0.1:1/login"),
    "204 empty": answer(204),
    "200 empty": answer(200),
    "200 null": answer(200, b"null"),
    "200 a page": answer(200, b"<html>please log in</html>\n"),
    "reset before": lambda: Fault("GET", WATCH, "reset", times=2),
    "reset at the start": line(b"", "reset"),
    "reset mid-stream": line(b"", "swallow"),
    "cut line": line(b"", "half"),
    "half a line, then closed": line(b'{"type":"ADDED","object":{"metadata"', "close"),
    "garbage line": line(b"\x00\xff not json"),
    "garbage line, then silence": line(b"garbage", "hang"),
    "null line": line(b"null"),
    "a number": line(b"17"),
    "a list": line(b"[]"),
    "an empty object": line(b"{}"),
    "no object": line(b'{"type":"MODIFIED"}'),
    "null object": line(b'{"type":"MODIFIED","object":null}'),
    "object without metadata": line(b'{"type":"ADDED","object":{"kind":"ConfigMap"}}'),
    "null metadata": line(b'{"type":"DELETED","object":{"kind":"ConfigMap","metadata":null}}'),
    "object without a name": line(b'{"type":"ADDED","object":{"kind":"ConfigMap","metadata":{}}}'),
    "an event of another kind": line(POD),
    "an unknown type": line(b'{"type":"RENAMED","object":{"metadata":{"name":"x"}}}'),
    "a type that is no word": line(b'{"type":{},"object":{"metadata":{"name":"x"}}}'),
    "ERROR 410": line(EXPIRED),
    "ERROR 410, then silence": line(EXPIRED, "hang"),
    "ERROR without an object": line(b'{"type":"ERROR"}'),
    "ERROR of words": line(b'{"type":"ERROR","object":"boom"}'),
    "Status line": line(STATUS),
    "Status line, then silence": line(STATUS, "hang"),
    "a bookmark": line(b'{"type":"BOOKMARK","object":{"kind":"ConfigMap","metadata":{"resourceVersion":"1"}}}'),
    "a bookmark without metadata": line(b'{"type":"BOOKMARK","object":{}}'),
    "blank lines": line(b"\n\n\n"),
}


@pytest.fixture
def home(cluster: Cluster, name: str) -> str:
    cluster.apply(namespace(name), manager="someone")
    return name


def late(home: str) -> dict:
    return {**config_map("late", {}), "metadata": {"name": "late", "namespace": home}}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_a_spoiled_watch_is_survived(
    proxied: Cluster, fault_proxy: FaultProxy, cluster: Cluster, home: str, fault: Callable[[], Fault | WatchFault]
) -> None:
    fault_proxy.faults = [fault()]
    came: list[float] = []

    def come() -> None:
        limit = Deadline(20)
        while fault_proxy.faults[0].times == 2 and not limit.passed:
            time.sleep(0.05)
        time.sleep(0.3)
        cluster.apply(late(home))
        came.append(time.monotonic())

    threading.Thread(target=come).start()
    wait_for(proxied, [Target("v1", "ConfigMap", home, "late")], Deadline(30), lambda message: None)
    seen = time.monotonic()
    assert fault_proxy.faults[0].times < 2
    assert not came or seen - came[0] < 15


def test_a_stall_of_ten_seconds(proxied: Cluster, fault_proxy: FaultProxy, cluster: Cluster, home: str) -> None:
    fault_proxy.faults = [Fault("GET", WATCH, "stall", seconds=10)]
    threading.Timer(1.0, cluster.apply, [late(home)]).start()
    started = time.monotonic()
    wait_for(proxied, [Target("v1", "ConfigMap", home, "late")], Deadline(60), lambda message: None)
    assert time.monotonic() - started < 25


def test_a_dead_connection_without_a_byte(
    proxied: Cluster, fault_proxy: FaultProxy, cluster: Cluster, home: str
) -> None:
    fault_proxy.faults = [WatchFault(WATCH, then="hang", times=9)]
    threading.Timer(1.0, cluster.apply, [late(home)]).start()
    started = time.monotonic()
    wait_for(proxied, [Target("v1", "ConfigMap", home, "late")], Deadline(60), lambda message: None)
    assert time.monotonic() - started < watch.WATCH_SECONDS + watch.SILENCE + 10


BAD_LISTS = {
    "null": b"null",
    "empty object": b"{}",
    "a list": b"[]",
    "items that are none": b'{"kind":"ConfigMapList","metadata":{},"items":7}',
    "items without metadata": b'{"kind":"ConfigMapList","metadata":{},"items":[{}]}',
    "a Status": b'{"kind":"Status","apiVersion":"v1","metadata":{},"items":[]}',
}


@pytest.mark.parametrize("body", BAD_LISTS.values(), ids=BAD_LISTS.keys())
def test_a_listing_that_is_none_does_not_count(
    proxied: Cluster, fault_proxy: FaultProxy, cluster: Cluster, home: str, body: bytes
) -> None:
    """Taken for an empty list, it would make something that is there absent."""
    cluster.apply(late(home))
    proxied.discovery.refresh()
    fault_proxy.faults = [Fault("GET", "/configmaps", 200, times=2, body=body)]
    with pytest.raises(WaitError, match="1 still there"):
        wait_for(
            proxied, [Target("v1", "ConfigMap", home, "late", condition="absent")], Deadline(4), lambda message: None
        )
    assert fault_proxy.faults[0].times == 0


def test_no_news_is_told_with_its_cause(proxied: Cluster, fault_proxy: FaultProxy, home: str) -> None:
    told: list[str] = []
    broken = WatchFault(WATCH, then="hang")
    fault_proxy.faults = [broken]

    def spoil() -> None:
        fault_proxy.faults = [Fault("GET", "/configmaps", 503, times=999, body=STATUS)]
        broken.over.set()

    threading.Timer(1.0, spoil).start()
    with pytest.raises(WaitError) as caught:
        wait_for(proxied, [Target("v1", "ConfigMap", home, "late")], Deadline(14), told.append)
    assert "no news of ConfigMap for" in str(caught.value) and "gone mad" in str(caught.value)
    assert any("no news of ConfigMap" in line for line in told), told


def test_a_surprise_in_the_thread_does_not_end_it(cluster: Cluster, home: str) -> None:
    informer = Informer(cluster, "v1", "ConfigMap", home, {}, Deadline(20))
    informer.list()
    seen, surprises = threading.Event(), iter([ZeroDivisionError("surprise"), KeyError("another")])

    def notify() -> None:
        for surprise in surprises:
            raise surprise
        if f"{home}/late" in (informer.objects or {}):
            seen.set()

    informer.start(notify)
    try:
        cluster.apply(late(home))
        assert seen.wait(8)
    finally:
        informer.stop()


def test_a_kind_that_goes_while_its_object_is_awaited_to_go(cluster: Cluster, home: str) -> None:
    group = f"{home}.example.org"
    crd = definition(group, "Gadget")
    cluster.apply(crd, manager="someone")
    made = Deadline(20)
    while cluster.discovery.find(f"{group}/v1", "Gadget") is None and not made.passed:
        time.sleep(0.2)
        cluster.discovery.refresh()
    gadget = document(f"{group}/v1", "Gadget", "g")
    path = f"/apis/{group}/v1/namespaces/{home}/gadgets"
    cluster.transport.call("POST", path, body=gadget, retry_if=lambda error: True)
    threading.Timer(1.0, cluster.delete, ["apiextensions.k8s.io/v1", crd["kind"], crd["metadata"]["name"]]).start()
    wait_for(
        cluster, [Target(f"{group}/v1", "Gadget", home, "g", condition="absent")], Deadline(20), lambda message: None
    )
