"""The application as a process with a SQLite file, and a browser that shows its page."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from selenium.webdriver import Chrome
from todo_browser import asked, chromium, logged
from todo_page import Keyboard, Mouse, Page
from todo_servers import APP, free_port, wait_until

REVISION = "user-00007"


@dataclass(frozen=True)
class Application:
    """The running application: its address, a client of it, and its database."""

    address: str
    api: httpx.Client
    database: Path


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """All three services in one process."""
    folder = tmp_path_factory.mktemp("page")
    port = free_port()
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(APP), "PYTHONDONTWRITEBYTECODE": "1"}
    environment |= {"PORT": str(port), "K_REVISION": REVISION, "LOG_LEVEL": "WARNING"}
    address = f"http://127.0.0.1:{port}"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "todo"], cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        with httpx.Client(base_url=address, trust_env=False) as api:
            wait_until(lambda: _answers(api), 30, f"an answer of the application:\n{(folder / 'log').read_text()}")
            yield Application(address, api, folder / "todo.sqlite3")
    finally:
        process.kill()
        process.wait()


def _answers(api: httpx.Client) -> bool:
    try:
        return api.get("/api/todos").status_code == 200
    except httpx.HTTPError:
        return False


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    """One browser for the tests of a module."""
    with chromium() as driver:
        yield driver


@pytest.fixture
def expected_log() -> list[str]:
    """Parts of console messages that a test causes on purpose; it fills the list."""
    return []


@pytest.fixture
def page(application: Application, browser: Chrome, expected_log: list[str]) -> Iterator[Page]:
    """The page with an empty list, in English, 1280 px wide; it must leave the console clean and ask no other host."""
    while items := application.api.get("/api/todos?limit=100").json()["items"]:
        for item in items:
            application.api.delete(f"/api/todos/{item['id']}")
    resize(browser, 1280)
    shown = Page(browser, application.address, application.api)
    shown.open()
    browser.execute_script("localStorage.clear()")
    yield shown
    messages = [text for text in logged(browser) if not any(part in text for part in expected_log)]
    assert messages == []
    assert [url for url in asked(browser) if not url.startswith(f"{application.address}/")] == []
    assert browser.execute_script("return window.called") == []
    browser.execute_script("localStorage.clear()")


def resize(browser: Chrome, width: int, height: int = 800) -> None:
    """Make the view this wide, in CSS pixels."""
    settings = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", settings)


@pytest.fixture(params=[Mouse, Keyboard])
def hand(request: pytest.FixtureRequest, page: Page) -> Mouse | Keyboard:
    """Each way to use the page."""
    return request.param(page)
