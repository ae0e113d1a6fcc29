"""Downloads from a real HTTP server on loopback, which misbehaves as told."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import threading
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.content import download
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.errors import ContentError
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.store import Store
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.transfers import Transfer

CONTENT = b"kind: ConfigMap\n" * 20_000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
QUICK = download.Patience(tries=4, seconds=0.5, connect=2.0)


def fetch(url: str, sha256: str | None, directory: Path, patience: download.Patience = QUICK) -> Path:
    return download.fetch(url, sha256, Store(directory), patience, Transfer("a file", "a server"))


class Origin:
    """`script` is what the next answers do: a status code, alone or with a Location, 'cut' (half of it), or 'ok'.

    'slow' is a byte now and then, ('busy', seconds) a 429 that asks to wait, ('says', reason) a 403.
    `asked` logs path and range.
    """

    def __init__(self) -> None:
        self.script: list[int | str | tuple[int | str, str]] = []
        self.asked: list[tuple[str, str | None]] = []
        self.logins: list[str | None] = []
        origin = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

            def do_GET(self) -> None:
                asked = self.headers.get("Range")
                origin.asked.append((self.path, asked))
                origin.logins.append(self.headers.get("Authorization"))
                action = origin.script.pop(0) if origin.script else "ok"
                if isinstance(action, tuple) and action[0] == "busy":
                    self.send_response(429)
                    self.send_header("Retry-After", action[1])
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                if isinstance(action, tuple) and action[0] == "says":
                    self.send_response(403, action[1])
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
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
                if action == "slow":
                    with contextlib.suppress(OSError):
                        for at in range(200):
                            self.wfile.write(body[at : at + 1])
                            time.sleep(0.05)
                    return
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
    server = Origin()
    yield server
    server.server.shutdown()
    server.server.server_close()


def test_fetched_once_then_from_the_cache(origin: Origin, tmp_path: Path) -> None:
    for _turn in range(2):
        place = fetch(f"{origin.url}/a.yaml", SHA256, tmp_path)
        assert place == tmp_path / SHA256 and place.read_bytes() == CONTENT
    assert len(origin.asked) == 1


def test_those_who_want_the_same_at_once_share_one_download(origin: Origin, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: fetch(origin.url, SHA256, tmp_path), range(4)))
    assert {path.read_bytes() for path in found} == {CONTENT}
    assert len(origin.asked) == 1


def test_a_damaged_cache_entry_is_fetched_again(origin: Origin, tmp_path: Path) -> None:
    (tmp_path / SHA256).write_bytes(b"damaged")
    assert fetch(f"{origin.url}/a.yaml", SHA256, tmp_path).read_bytes() == CONTENT


def test_a_broken_transfer_goes_on_where_it_broke_off(origin: Origin, tmp_path: Path) -> None:
    origin.script = ["cut", "cut"]
    assert fetch(f"{origin.url}/a.yaml", SHA256, tmp_path).read_bytes() == CONTENT
    half = len(CONTENT) // 2
    assert origin.asked[1] == ("/a.yaml", f"bytes={half}-")
    assert origin.asked[2] == ("/a.yaml", f"bytes={half + (len(CONTENT) - half) // 2}-")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_passing_refusal_is_repeated(origin: Origin, tmp_path: Path, status: int) -> None:
    origin.script = [status, status]
    assert fetch(f"{origin.url}/a.yaml", SHA256, tmp_path).exists()


@pytest.mark.parametrize("how", ["503", "nobody listens"])
def test_a_server_that_is_away_for_a_moment_is_waited_for(origin: Origin, tmp_path: Path, how: str) -> None:
    """Longer than a few tries take, as an API server or a registry may be away."""
    patient = download.Patience(tries=4, seconds=6.0, connect=2.0, longest_pause=0.3)
    address = origin.server.server_address
    if how == "503":
        origin.script = [503] * 9
    else:
        origin.server.shutdown()
        origin.server.server_close()
        threading.Timer(2.5, origin.listen, [address]).start()
    assert fetch(f"{origin.url}/a.yaml", SHA256, tmp_path, patient).exists()


@pytest.mark.parametrize(
    ("how", "reason"), [("slow", "only \\d+ bytes in"), (("busy", "60"), "HTTP 429 .*, and asks to wait for 1 min")]
)
def test_a_server_that_keeps_one_waiting_is_left_where_others_follow(
    origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str | tuple[int | str, str], reason: str
) -> None:
    monkeypatch.setattr(download, "WATCHED_FOR", 0.5)
    origin.script = [how, how]
    started = time.monotonic()
    with pytest.raises(download.Unreachable, match=reason):
        fetch(f"{origin.url}/a.yaml", SHA256, tmp_path, download.OTHERS_FOLLOW)
    assert time.monotonic() - started < 2 and len(origin.asked) == 1
    if how == "slow":  # what came stays; whoever has nobody else goes on there, however slow it is
        origin.script = []
        assert fetch(f"{origin.url}/a.yaml", SHA256, tmp_path).read_bytes() == CONTENT
        assert origin.asked[1][1].startswith("bytes=")


def test_wrong_content_is_refused_and_not_kept(origin: Origin, tmp_path: Path) -> None:
    with pytest.raises(ContentError, match=rf"expected {'0' * 64}\n  found    {SHA256}"):
        fetch(f"{origin.url}/a.yaml", "0" * 64, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".locks"]


def test_without_a_checksum_its_value_is_told(origin: Origin, tmp_path: Path) -> None:
    with pytest.raises(ContentError, match=rf"needs a sha256(.|\n)*{SHA256}"):
        fetch(f"{origin.url}/a.yaml", None, tmp_path)


def test_other_schemes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="only http and https"):
        fetch("file:///etc/passwd", SHA256, tmp_path)


def test_what_cannot_be_reached_is_told(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="http://nowhere.invalid/x: (no such host|the name server)"):
        fetch("http://nowhere.invalid/x", SHA256, tmp_path)


def test_a_redirect_is_followed(origin: Origin, tmp_path: Path) -> None:
    origin.script = [(302, "/mirror")]
    assert fetch(f"{origin.url}/a.yaml", SHA256, tmp_path).exists()
    origin.script = [(302, "/again")] * 50
    with pytest.raises(ContentError, match="more than 10 redirects"):
        fetch(f"{origin.url}/b.yaml", "0" * 64, tmp_path)


def test_what_was_left_of_another_file_is_fetched_anew(origin: Origin, tmp_path: Path) -> None:
    url = f"{origin.url}/a.yaml"
    origin.script = ["cut"] + [404]
    with pytest.raises(ContentError, match="404"):
        fetch(url, SHA256, tmp_path)
    [partial] = tmp_path.glob("*.part")
    partial.write_bytes(b"x" * partial.stat().st_size)
    assert fetch(url, SHA256, tmp_path).read_bytes() == CONTENT


def test_progress_lets_a_transfer_break_off_any_number_of_times(origin: Origin, tmp_path: Path) -> None:
    origin.script = ["cut"] * 9
    assert fetch(f"{origin.url}/a.yaml", SHA256, tmp_path).read_bytes() == CONTENT
    assert len(origin.asked) == 10


def test_a_file_that_is_too_long_is_not_written_to_its_end(origin: Origin, tmp_path: Path) -> None:
    partial = tmp_path / "a"
    with pytest.raises(ContentError, match="more than 1000 bytes"):
        download.download(f"{origin.url}/a", partial, QUICK, Transfer("a", "b"), largest=1000)
    assert not partial.exists()


def test_a_login_goes_to_its_host_alone_and_is_never_told(origin: Origin, tmp_path: Path) -> None:
    other = Origin()
    origin.script = [(302, f"{other.url}/a.yaml")]
    url = origin.url.replace("http://", "http://me:s3cret@")
    assert fetch(f"{url}/a.yaml", SHA256, tmp_path).exists()
    assert origin.logins == ["Basic bWU6czNjcmV0"] and other.logins == [None]
    origin.script = [404]
    with pytest.raises(ContentError) as caught:
        fetch(f"{url}/b.yaml", "0" * 64, tmp_path)
    assert "s3cret" not in str(caught.value)
    other.server.shutdown()
    other.server.server_close()


@pytest.mark.parametrize(
    "action", [404, 200, "cut", ("says", "nothing for se&cret"), (302, "ftp://me:s3cret@h/?s3cret")]
)
def test_what_an_address_holds_is_not_told(origin: Origin, tmp_path: Path, action: object) -> None:
    """Mirrors are named by signed addresses, and by addresses with a token."""
    url = f"{origin.url}/b.yaml?private_token=s3cret".replace("http://", "http://me:se%26cret@")
    origin.script = [action] * 9
    with pytest.raises(ContentError) as caught:
        fetch(url, "0" * 64, tmp_path)
    said = "".join(traceback.format_exception(caught.value))
    assert "/b.yaml?***" in str(caught.value) and "s3cret" not in said and "se&cret" not in said


def test_a_password_of_any_letters(origin: Origin, tmp_path: Path) -> None:
    url = origin.url.replace("http://", "http://me:%E2%82%AC%E9@")
    assert fetch(f"{url}/a.yaml", SHA256, tmp_path).exists()
    assert origin.logins == [f"Basic {base64.b64encode(b'me:' + bytes([0xE2, 0x82, 0xAC, 0xE9])).decode()}"]


def test_what_is_no_url_is_told_without_it(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="is no URL") as caught:
        fetch("https://me:s3cret@[::1/a.yaml", SHA256, tmp_path)
    assert "s3cret" not in str(caught.value)
