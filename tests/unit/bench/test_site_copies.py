"""Many contexts: their kubeconfig, the API server's command, a process and its descendants."""

from __future__ import annotations

from bench.site_copies import api_server_command, descendants, with_contexts
from bench.site_etcd import OPERATIONS, batches, moved

KUBECONFIG = {
    "clusters": [{"name": "lab", "cluster": {"server": "https://127.0.0.1:6443", "certificate-authority-data": "ca"}}],
    "users": [{"name": "admin", "user": {"client-key-data": "key"}}],
    "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "admin"}}],
    "current-context": "lab",
}
SUPERVISOR = """
[program:etcd]
command=/lab/bin/etcd --name=lab
[program:kube-apiserver]
command=/usr/bin/python3 /lab/libexec/after.py tcp://127.0.0.1:2379 -- /lab/bin/kube-apiserver --secure-port=6443 \
'--etcd-servers=https://127.0.0.1:2379' --audit-log-path=/lab/log --audit-log-maxsize=100 '--some=%% a b'
priority=4
"""


def test_each_context_has_its_own_server_and_the_same_user() -> None:
    merged = with_contexts(KUBECONFIG, {"a": "https://127.0.0.1:7001", "b": "https://127.0.0.1:7002"})
    assert [context["context"] for context in merged["contexts"]] == [
        {"cluster": "a", "user": "admin"},
        {"cluster": "b", "user": "admin"},
    ]
    assert [cluster["cluster"]["server"] for cluster in merged["clusters"]] == [
        "https://127.0.0.1:7001",
        "https://127.0.0.1:7002",
    ]
    assert {cluster["cluster"]["certificate-authority-data"] for cluster in merged["clusters"]} == {"ca"}
    assert merged["users"] == KUBECONFIG["users"]
    assert "current-context" not in merged


def test_the_api_servers_command_is_without_its_port_and_its_audit_log() -> None:
    assert api_server_command(SUPERVISOR) == [
        "/lab/bin/kube-apiserver",
        "--etcd-servers=https://127.0.0.1:2379",
        "--some=%% a b",
    ]


def test_descendants_are_found_however_deep() -> None:
    assert descendants(2, {1: 0, 2: 1, 3: 2, 4: 3, 5: 1}) == [2, 3, 4]
    assert descendants(9, {1: 0}) == []


def test_what_is_bound_to_leases_is_not_copied() -> None:
    assert moved(b"/registry/pods/todo/a", b"/registry/", b"/copy-1/") == b"/copy-1/pods/todo/a"
    assert moved(b"/registry/leases/kube-system/a", b"/registry/", b"/copy-1/") is None
    assert moved(b"/registry/events/todo/a", b"/registry/", b"/copy-1/") is None


def test_writes_are_no_larger_than_etcd_takes() -> None:
    pairs = [(b"a", "x" * 6), (b"b", "x" * 5), (b"c", "x" * 5), (b"d", "x" * 30)]
    assert [[key for key, _value in batch] for batch in batches(pairs, 10)] == [[b"a"], [b"b", b"c"], [b"d"]]
    assert [len(batch) for batch in batches([(b"a", "")] * (OPERATIONS + 1), 10)] == [OPERATIONS, 1]
    assert list(batches([], 10)) == []
