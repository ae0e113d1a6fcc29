"""The application as a process with a SQLite file, and a browser that shows its page."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from headless_browser import asked, chromium, logged, resize
from selenium.webdriver import Chrome
from todo_application import Application, serving
from todo_page import Keyboard, Mouse, Page


@pytest.fixture(scope="session")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """The application for all tests of the page, each of which begins with an empty list."""
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
