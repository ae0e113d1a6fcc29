"""A real run with -vvvv against registries and proxies that repeat what they are sent: no credential is printed."""

from __future__ import annotations

import base64
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "module_utils" / "images" / "support"))

from faulty_registry import FaultyRegistry, Handler
from plays import play
from sample_images import SampleImage

PASSWORD = "pw-canary 1a/&?=\u00e9"
TOKEN = "tok-canary/7f+e="
SIGNED = "sig-canary-3d"
PROXY_PASSWORD = "prx-canary-5"
STATUSES = (400, 401, 403, 407, 413, 429)
LOGIN = base64.b64encode(f"user:{PASSWORD}".encode()).decode()
FORMS = (
    "canary",
    LOGIN.rstrip("="),
    *(base64.b64encode(text.encode()).decode().rstrip("=") for text in (PASSWORD, TOKEN, f"me:{PROXY_PASSWORD}")),
    quote(PASSWORD, safe=""),
    quote(TOKEN, safe=""),
)


def echo(handler: Handler) -> bytes:
    """What careless registries say: all they were sent, in each form, and addresses that are credentials."""
    sent = {name: value for name, value in handler.headers.items() if "auth" in name.lower()}
    return (
        f"{sent} user:{PASSWORD} {LOGIN} {quote(PASSWORD)} token={TOKEN} "
        f"https://user:{SIGNED}@storage.invalid/key?X-Amz-Signature={SIGNED}&sig={SIGNED} "
        f'{{"password":"{SIGNED}","access_token": "{SIGNED}"}}\r\nAuthorization: Bearer {TOKEN}\r\nCookie: id={SIGNED}9'
    ).encode("utf-8", "replace")


def answers(handler: Handler) -> bool:
    """Ask for a login, of the kind in the path, then answer with the status in it."""
    kind, status = re.search(r"(basic|bearer|open)-?(\d*)", f"{handler.path} open").groups()  # type: ignore[union-attr]
    if handler.path.startswith("/token"):
        handler.reply(200, f'{{"token":"{TOKEN}"}}'.encode())
    elif kind != "open" and "Authorization" not in handler.headers:
        realm = f'realm="http://{handler.registry.host}/token",service="s"'
        handler.reply(401, echo(handler), {"WWW-Authenticate": f"{kind.title()} {realm}"})
    else:
        # A limit that is not waited for, so that the run is short
        handler.reply(int(status or 403), echo(handler), {"Retry-After": "21600"})
    return True


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyRegistry]:
    made = FaultyRegistry()
    made.guard = answers
    monkeypatch.setenv("CANARY_PASSWORD", PASSWORD)
    # A registry that only the proxy knows, and this one refuses as well
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:{PROXY_PASSWORD}@{made.host}")
    monkeypatch.setenv("HTTP_PROXY", f"http://me:{PROXY_PASSWORD}@{made.host}")
    monkeypatch.setenv("NO_PROXY", "")
    yield made
    made.stop()


def tasks_of(registry: FaultyRegistry, directory: Path) -> list[dict[str, Any]]:
    """Every action that asks registries, for each kind of login and answer; passwords from all places."""
    (directory / "password").write_text(PASSWORD)
    SampleImage().write(directory / "image")
    passwords = ({"env": "CANARY_PASSWORD"}, {"file": str(directory / "password")}, {"value": PASSWORD})
    tasks = []
    for number, (kind, status) in enumerate((kind, status) for kind in ("basic", "bearer") for status in STATUSES):
        path, password = f"{kind}-{status}", passwords[number % 3]
        login = {"username": "user", "password": password, "plain_http": True}
        hosts = (registry.host, "registry.invalid")
        images = {
            "mirrors": {"quay.io": [f"{host}/{path}" for host in hosts]},
            "registries": {host: login for host in hosts},
        }
        digest = "sha256:" + "a" * 64
        row = {"image": "quay.io/app:1", "delivered": "quay.io/app:1", "from": f"{registry.host}/{path}/app:1"}
        row |= {"digest": digest, "size": 1, "prefetch": True}
        common = {"images": images, "rate_limit_wait": 0}
        layout = str(directory / "image")
        sync = {"plan": [row], "to": f"{registry.host}/{path}", "layout": str(directory / "staging"), **common}
        for name, options in {
            "image_plan": {"context": "", "extra": ["quay.io/app:1"], "architectures": ["amd64"], **common},
            "image_sync": sync,
            "image_push": {"image": f"{registry.host}/{path}/app:1", "layout": layout, **common},
        }.items():
            tasks.append({"name": f"{name} {path}", f"selfhosted.serverless.{name}": options, "ignore_errors": True})
    return tasks


def test_no_credential_is_printed_with_vvvv(registry: FaultyRegistry, tmp_path: Path) -> None:
    tasks = tasks_of(registry, tmp_path)
    _result, output = play(tmp_path, tasks, "-vvvv")
    failures = re.findall(r"^(?:fatal|failed): .*|^\[ERROR\]: .*", output, re.MULTILINE)
    assert len(failures) >= len(tasks)
    leaks = [line[:300] for line in output.splitlines() if any(form in line for form in FORMS)]
    assert leaks == []
