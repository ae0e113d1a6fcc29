"""Downloads from a real HTTP server on loopback, which misbehaves as told."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.content import download
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.errors import ContentError

CONTENT = b"kind: ConfigMap\n" * 20_000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Origin:
    """`script` is what the next answers do: a status code, alone or with a Location, 'cut' (half of it), or 'ok'.

    `asked` logs path and range.
    """

    def __init__(self) -> None:
        self.script: list[int | str | tuple[int, str]] = []
        self.asked: list[tuple[str, str | None]] = []
        origin = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

            def do_GET(self) -> None:
                asked = self.headers.get("Range")
                origin.asked.append((self.path, asked))
                action = origin.script.pop(0) if origin.script else "ok"
                if isinstance(action, tuple):
                    self.send_response(action[0])
                    self.send_header("Location", action[1])
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                if isinstance(action, int):
                    self.send_error(action)
                    return
                start = int(asked.split("=")[1].rstrip("-")) if asked else 0
                body = CONTENT[start:]
                self.send_response(206 if asked else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[: len(body) // 2] if action == "cut" else body)

        self.handler = Handler
        self.listen(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def listen(self, address: tuple[str, int]) -> None:
        self.server = ThreadingHTTPServer(address, self.handler)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()


@pytest.fixture
def origin(monkeypatch: pytest.MonkeyPatch) -> Iterator[Origin]:
    monkeypatch.setattr(download, "FIRST_PAUSE", 0.05)
    monkeypatch.setattr(download, "PATIENCE", 0.5)
    server = Origin()
    yield server
    server.server.shutdown()
    server.server.server_close()


def test_fetched_once_then_from_the_cache(origin: Origin, tmp_path: Path) -> None:
    for _turn in range(2):
        place = download.fetch([f"{origin.url}/a.yaml"], SHA256, tmp_path)
        assert place == tmp_path / SHA256 and place.read_bytes() == CONTENT
    assert len(origin.asked) == 1


def test_those_who_want_the_same_at_once_share_one_download(origin: Origin, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: download.fetch([origin.url], SHA256, tmp_path), range(4)))
    assert {path.read_bytes() for path in found} == {CONTENT}
    assert len(origin.asked) == 1


def test_a_damaged_cache_entry_is_fetched_again(origin: Origin, tmp_path: Path) -> None:
    (tmp_path / SHA256).write_bytes(b"damaged")
    assert download.fetch([f"{origin.url}/a.yaml"], SHA256, tmp_path).read_bytes() == CONTENT


def test_a_broken_transfer_goes_on_where_it_broke_off(origin: Origin, tmp_path: Path) -> None:
    origin.script = ["cut", "cut"]
    assert download.fetch([f"{origin.url}/a.yaml"], SHA256, tmp_path).read_bytes() == CONTENT
    half = len(CONTENT) // 2
    assert origin.asked[1] == ("/a.yaml", f"bytes={half}-")
    assert origin.asked[2] == ("/a.yaml", f"bytes={half + (len(CONTENT) - half) // 2}-")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_passing_refusal_is_repeated(origin: Origin, tmp_path: Path, status: int) -> None:
    origin.script = [status, status]
    assert download.fetch([f"{origin.url}/a.yaml"], SHA256, tmp_path).exists()


@pytest.mark.parametrize("how", ["503", "nobody listens"])
def test_a_server_that_is_away_for_a_moment_is_waited_for(
    origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Longer than a few tries take, as an API server or a registry may be away."""
    monkeypatch.setattr(download, "PATIENCE", 6.0)
    monkeypatch.setattr(download, "LONGEST_PAUSE", 0.3)
    address = origin.server.server_address
    if how == "503":
        origin.script = [503] * 9
    else:
        origin.server.shutdown()
        origin.server.server_close()
        threading.Timer(2.5, origin.listen, [address]).start()
    assert download.fetch([f"{origin.url}/a.yaml"], SHA256, tmp_path).exists()


def test_another_address_is_not_kept_waiting(origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "PATIENCE", 60.0)
    monkeypatch.setattr(download, "LONGEST_PAUSE", 0.1)
    origin.script = [503] * download.TRIES
    assert download.fetch([f"{origin.url}/away", f"{origin.url}/mirror"], SHA256, tmp_path).exists()


def test_the_next_address_is_tried(origin: Origin, tmp_path: Path) -> None:
    origin.script = [404]
    assert download.fetch([f"{origin.url}/blocked", f"{origin.url}/mirror"], SHA256, tmp_path).exists()
    assert [path for path, _headers in origin.asked] == ["/blocked", "/mirror"]


def test_every_failure_is_told(origin: Origin, tmp_path: Path) -> None:
    origin.script = [404, 403]
    with pytest.raises(ContentError, match=r"/a: HTTP 404(.|\n)*/b: HTTP 403"):
        download.fetch([f"{origin.url}/a", f"{origin.url}/b"], SHA256, tmp_path)


def test_wrong_content_is_refused_and_not_kept(origin: Origin, tmp_path: Path) -> None:
    with pytest.raises(ContentError, match=rf"expected {'0' * 64}\n  found    {SHA256}"):
        download.fetch([f"{origin.url}/a.yaml"], "0" * 64, tmp_path)
    assert [path.suffix for path in tmp_path.iterdir()] == [".lock"]


def test_without_a_checksum_its_value_is_told(origin: Origin, tmp_path: Path) -> None:
    with pytest.raises(ContentError, match=rf"needs a sha256(.|\n)*{SHA256}"):
        download.fetch([f"{origin.url}/a.yaml"], None, tmp_path)


def test_other_schemes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="only http and https"):
        download.fetch(["file:///etc/passwd"], SHA256, tmp_path)


def test_what_cannot_be_reached_is_told(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="http://nowhere.invalid/x: (no such host|the name server)"):
        download.fetch(["http://nowhere.invalid/x"], SHA256, tmp_path)


def test_a_redirect_is_followed(origin: Origin, tmp_path: Path) -> None:
    origin.script = [(302, "/mirror")]
    assert download.fetch([f"{origin.url}/a.yaml"], SHA256, tmp_path).exists()
    origin.script = [(302, "/again")] * 50
    with pytest.raises(ContentError, match="more than 10 redirects"):
        download.fetch([f"{origin.url}/b.yaml"], "0" * 64, tmp_path)
