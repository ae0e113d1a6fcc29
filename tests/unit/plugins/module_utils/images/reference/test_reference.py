"""Image references."""

from __future__ import annotations

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.errors import InvalidReference
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.reference.reference import Reference

DIGEST = "sha256:" + "ab" * 32


@pytest.mark.parametrize(
    ("text", "complete"),
    [
        ("postgres", "docker.io/library/postgres:latest"),
        ("postgres:15", "docker.io/library/postgres:15"),
        ("istio/pilot:1.30.5", "docker.io/istio/pilot:1.30.5"),
        ("index.docker.io/library/a:1", "docker.io/library/a:1"),
        ("docker.io/a:1", "docker.io/library/a:1"),
        ("localhost/a:1", "localhost/a:1"),
        ("127.0.0.1:5000/docker.io/a/b:1", "127.0.0.1:5000/docker.io/a/b:1"),
        ("[::1]:5000/a:1", "[::1]:5000/a:1"),
        (f"gcr.io/a/b@{DIGEST}", f"gcr.io/a/b@{DIGEST}"),
        (f"gcr.io/a/b:v1@{DIGEST}", f"gcr.io/a/b:v1@{DIGEST}"),
        ("registry.k8s.io/pause:3.10.2", "registry.k8s.io/pause:3.10.2"),
    ],
)
def test_completes(text: str, complete: str) -> None:
    assert str(Reference.parse(text)) == complete


@pytest.mark.parametrize(
    "text", ["", "a/UPPER:1", "a:b:c", "a/b:", "a@sha256:12", "http://a/b:1", "a b", "a//b", "gcr.io/", "a/-b:1"]
)
def test_refuses(text: str) -> None:
    with pytest.raises(InvalidReference, match="image"):
        Reference.parse(text)


def test_digest_decides() -> None:
    assert Reference.parse(f"a:1@{DIGEST}").version == DIGEST
    assert Reference.parse("a:1").version == "1"
    assert str(Reference.parse(f"a:1@{DIGEST}").exact) == f"docker.io/library/a@{DIGEST}"
    assert Reference.parse("a:1").exact == Reference.parse("a:1")
