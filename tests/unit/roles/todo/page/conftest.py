"""The application as a process with a SQLite file, and a browser that shows its page."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from selenium.webdriver import Chrome
from todo_browser import asked, chromium, logged
from todo_page import Keyboard, Mouse, Page
from todo_servers import APP, answers, free_port, wait_until

REVISION = "user-00007"


@dataclass(frozen=True)
class Application:
    """The running application: its process, its address, a client of it, and its database."""

    process: subprocess.Popen[bytes]
    address: str
    api: httpx.Client
    database: Path

    def store(self, todos: Iterable[tuple[str, bool]]) -> None:
        """Put to-dos (title, done) into the database, the last on top: quicker than by requests."""
        self._execute(lambda database: database.executemany("INSERT INTO todos (title, done) VALUES (?, ?)", todos))

    def clear(self) -> None:
        """Delete all to-dos."""
        self._execute(lambda database: database.execute("DELETE FROM todos"))

    def _execute(self, work: Callable[[sqlite3.Connection], object]) -> None:
        with contextlib.closing(sqlite3.connect(self.database, timeout=30)) as database, database:
            work(database)


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[Application]:
    """All three services in one process, with a database in `folder`."""
    process, port = _start(folder)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as api:
            yield Application(process, f"http://127.0.0.1:{port}", api, folder / "todo.sqlite3")
    finally:
        process.kill()
        process.wait()


def _start(folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    """The process, which answers, and its port. It listens on three ports in a row: where one is taken, on others."""
    log = folder / "log"
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(APP), "PYTHONDONTWRITEBYTECODE": "1"}
    environment |= {"METRICS_PORT": "0", "K_REVISION": REVISION, "LOG_LEVEL": "WARNING"}
    for _attempt in range(5):
        port = free_port()
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "todo"],
                cwd=folder,
                env=environment | {"PORT": str(port)},
                stdout=output,
                stderr=output,
            )
        todos = f"http://127.0.0.1:{port}/api/todos"
        wait_until(lambda: process.poll() is not None or answers(todos), 30, "the application's start")  # noqa: B023
        if process.poll() is None:
            return process, port
        assert "Address already in use" in log.read_text(), log.read_text()
    pytest.fail("found no three free ports in a row")


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """The application for the tests of a module."""
    with serving(tmp_path_factory.mktemp("page")) as running:
        yield running


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
    application.clear()
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


@pytest.fixture
def given(application: Application, page: Page) -> Callable[..., None]:
    """Stores open to-dos, the last on top, and loads the page again."""

    def store(*titles: str) -> None:
        application.store((title, False) for title in titles)
        page.open()

    return store


@pytest.fixture(params=[Mouse, Keyboard])
def hand(request: pytest.FixtureRequest, page: Page) -> Mouse | Keyboard:
    """Each way to use the page."""
    return request.param(page)
