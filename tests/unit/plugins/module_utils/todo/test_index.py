"""Package indexes that a build would fail at, asked before it begins."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.todo.builder import BuilderError
from ansible_collections.selfhosted.serverless.plugins.module_utils.todo.index import check_index

LOGIN = f"Basic {base64.b64encode(b'me:p@ss').decode()}"


class Index:
    """An index that has one package, for whoever logs in."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        index = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

            def do_GET(self) -> None:
                index.asked.append(self.path)
                status = 200 if self.path == "/simple/a-package/" else 404
                self.send_response(status if self.headers.get("Authorization") == LOGIN else 401)
                self.send_header("Content-Length", "0")
                self.end_headers()

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        self.host = f"127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def index() -> Iterator[Index]:
    server = Index()
    yield server
    server.server.shutdown()
    server.server.server_close()


@pytest.fixture
def requirements(tmp_path: Path) -> Path:
    file = tmp_path / "requirements.txt"
    file.write_text("# made by a tool\nA_Package==1.0 \\\n    --hash=sha256:0\n")
    return file


def test_an_index_that_has_the_first_package_will_do(index: Index, requirements: Path) -> None:
    check_index(f"http://me:p%40ss@{index.host}/simple/", requirements)
    assert index.asked == ["/simple/a-package/"]


def test_one_that_refuses_or_is_not_there_is_told_without_its_login(index: Index, requirements: Path) -> None:
    for address, reason in (
        (f"{index.host}/simple", "HTTP 401"),
        (f"me:p%40ss@{index.host}/other", "HTTP 404"),
        ("me:p%40ss@127.0.0.1:9/simple", "Connection refused"),
    ):
        with pytest.raises(BuilderError, match=reason) as caught:
            check_index(f"http://{address}", requirements)
        assert "todo_pip_index_url" in str(caught.value) and "p%40ss" not in str(caught.value)


def test_authorities_that_are_not_there_are_named_with_their_option(
    index: Index, requirements: Path, tmp_path: Path
) -> None:
    missing = tmp_path / "no-such-ca.crt"
    with pytest.raises(BuilderError, match=rf"{missing} .* cannot be read: No such file .* todo_build_ca_file"):
        check_index(f"http://{index.host}/simple", requirements, str(missing))
    assert index.asked == [], "the index is not what is wrong"
