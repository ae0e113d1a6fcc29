"""Asking registries for the application's image and its base; the registries are HTTP servers on loopback."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "images" / "support"))

from ansible_collections.selfhosted.serverless.plugins.module_utils.images.copy.copy import push_layout
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.errors import Reason, RegistryError
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.policy import ImagePolicy
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.reference.reference import Reference
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.client import Registry
from ansible_collections.selfhosted.serverless.plugins.module_utils.todo.registries import (
    Base,
    BaseNotFound,
    find_base,
    find_image,
    inspect_image,
)
from registry_process import RegistryProcess
from sample_images import SampleImage

DIGEST = "sha256:" + "d" * 64
BASE = "docker.io/library/python:3.11-slim-bookworm"


class Handler(BaseHTTPRequestHandler):
    """Has the manifests of `server.paths`, and no others; the first requests meet `server.status` instead."""

    def do_HEAD(self) -> None:
        if self.server.refusals:
            self.server.refusals -= 1
            self.send_response(self.server.status)
            self.send_header("Content-Length", "0")
            return self.end_headers()
        found = self.path in self.server.paths
        self.send_response(200 if found else 404)
        if found:
            self.send_header("Docker-Content-Digest", DIGEST)
            self.send_header("Content-Type", "application/vnd.oci.image.manifest.v1+json")
        self.send_header("Content-Length", "2" if found else "0")
        self.end_headers()

    do_GET = do_HEAD  # asked for what HEAD denies

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def registry() -> Iterator[ThreadingHTTPServer]:
    """A registry; `address` is its host and port, `paths` what it has."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.address = f"127.0.0.1:{server.server_port}"
    server.paths = set()
    server.status, server.refusals = 403, 0
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_an_image_has_a_digest_once_it_is_there(registry):
    assert find_image(f"{registry.address}/todo/app:1a2b", ImagePolicy()) == ""
    registry.paths.add("/v2/todo/app/manifests/1a2b")
    assert find_image(f"{registry.address}/todo/app:1a2b", ImagePolicy()) == DIGEST


def test_the_base_comes_from_the_first_mirror_that_has_it(registry):
    registry.paths.add("/v2/second/library/python/manifests/3.11-slim-bookworm")
    policy = ImagePolicy.from_config(
        {"mirrors": {"docker.io": [f"{registry.address}/first", f"{registry.address}/second"]}}
    )
    place = f"{registry.address}/second/library/python:3.11-slim-bookworm"
    assert find_base(BASE, policy) == Base(place, plain_http=True)


def test_a_mirror_that_is_away_is_not_waited_for_where_another_has_the_base(registry):
    registry.paths.add("/v2/library/python/manifests/3.11-slim-bookworm")
    policy = ImagePolicy.from_config({"mirrors": {"docker.io": ["127.0.0.1:9", registry.address]}})
    started = time.monotonic()
    assert find_base(BASE, policy).reference == f"{registry.address}/library/python:3.11-slim-bookworm"
    assert time.monotonic() - started < 15  # it is asked for 20 s where it is the only one


def test_a_base_that_is_nowhere_is_named_with_every_place(registry):
    policy = ImagePolicy.from_config(
        {"mirrors": {"docker.io": [f"{registry.address}/first", f"{registry.address}/second"]}}
    )
    with pytest.raises(BaseNotFound) as error:
        find_base(BASE, policy)
    text = str(error.value)
    assert BASE in text and "todo_base_image" in text
    assert f"{registry.address}/first/" in text and f"{registry.address}/second/" in text


def test_an_image_is_looked_at_where_it_is_there(tmp_path):
    real = RegistryProcess(tmp_path / "registry")
    try:
        image = f"{real.host}/todo/app:1"
        assert inspect_image(image, ImagePolicy()) is None
        sample = SampleImage(architectures=("amd64", "arm64"))
        push_layout(sample.write(tmp_path / "layout"), "", Registry(real.host), Reference.parse(image))
        found = inspect_image(image, ImagePolicy())
        assert (found.digest, set(found.architectures)) == (sample.index.digest, {"amd64", "arm64"})
    finally:
        real.stop()


def test_a_registry_that_refuses_the_login_has_not_said_that_the_image_is_missing(registry):
    registry.refusals = 10**6
    with pytest.raises(RegistryError) as caught:
        inspect_image(f"{registry.address}/todo/app:1", ImagePolicy())
    assert caught.value.reason == Reason.FORBIDDEN
