"""registries.yaml of k3s: what its next start takes back."""

from __future__ import annotations

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.diagnosis.facts import TextFile
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.diagnosis.k3s_registries import (
    k3s_registries,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.diagnosis.node_facts import (
    k3s_registries_file,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.runtimes import node_from_config


def look(text: str, *sources: str) -> list[str]:
    return [item.message for item in k3s_registries("n", TextFile("/etc/rancher/k3s/registries.yaml", text), sources)]


@pytest.mark.parametrize(
    ("text", "sources", "named"),
    [
        ("", ("docker.io",), ""),
        ("mirrors: {docker.io: {endpoint: [https://m.example]}}", ("docker.io", "gcr.io"), "docker.io"),
        ("mirrors: {quay.io: {endpoint: [https://m.example]}}", ("docker.io",), ""),
        ("configs: {'m.example:5000': {tls: {insecure_skip_verify: true}}}", ("m.example:5000",), "m.example:5000"),
        # Of all others, where the image policy is strict
        ("mirrors: {'*': {endpoint: [https://m.example]}}", ("_default", "docker.io"), "*"),
        ("mirrors: {'*': {endpoint: [https://m.example]}}", ("docker.io",), ""),
    ],
)
def test_registries_that_both_write(text: str, sources: tuple[str, ...], named: str) -> None:
    assert look(text, *sources) == [
        f"names {named} too: when k3s starts next, it writes its own hosts.toml in place of the one delivered"
    ] * bool(named)


def test_what_k3s_does_not_start_with() -> None:
    secret = "configs: {m.example: {auth: {password: hunter2}\n  mirrors: ["
    (message,) = look(secret, "docker.io")
    assert message.startswith("is no YAML") and "hunter2" not in message
    assert look("- docker.io", "docker.io") == ["is YAML, but no mapping"]


def test_only_nodes_of_k3s_have_such_a_file() -> None:
    node = {"name": "n", "exec": [], "runtime": "containerd"}
    assert k3s_registries_file(node_from_config(node)) is None  # type: ignore[arg-type]
    words = ["sh", "-c", 'echo "mirrors: {$3$4$5: {}}"']
    file = k3s_registries_file(node_from_config({**node, "runtime": "k3s", "exec": words}))  # type: ignore[arg-type]
    assert file and file.path == "/etc/rancher/k3s/registries.yaml" and "registries.yaml" in file.text
