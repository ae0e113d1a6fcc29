"""A headless Chromium that tests drive as a person would, and that tells what it logged and whom it asked."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest
from selenium.webdriver import Chrome, ChromeOptions, ChromeService

# The page's name in a real site: http on a name that is not loopback, where browsers keep some features back.
HOST = "web.todo.example.com"
_FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", f"--host-resolver-rules=MAP {HOST} 127.0.0.1, MAP * ~NOTFOUND",
)  # fmt: skip
# What a script that got into the page would call
_WATCH = """
window.called = [];
for (const name of ["alert", "confirm", "prompt", "print", "open"]) window[name] = () => window.called.push(name);
"""


def program(name: str, package: str) -> str:
    """The path of a program of a Debian package; the test fails where it is not installed."""
    path = shutil.which(name)
    if path is None:
        pytest.fail(f"there is no {name}; `tests/run.py build` installs it, or: apt-get install {package}")
    return path


@contextlib.contextmanager
def chromium() -> Iterator[Chrome]:
    """A browser with a new profile; `window.called` lists the dialogs that a page asked for."""
    options = ChromeOptions()
    options.binary_location = program("chromium", "chromium")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    with tempfile.TemporaryDirectory(prefix="todo-browser-", ignore_cleanup_errors=True) as profile:
        for flag in (*_FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        # With the driver's path given, selenium does not look for one in the network.
        driver = Chrome(options, ChromeService(program("chromedriver", "chromium-driver")))
        try:
            driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": _WATCH})
            # The browser's own first page makes requests too.
            driver.get("about:blank")
            asked(driver)
            yield driver
        finally:
            driver.quit()


def logged(driver: Chrome) -> list[str]:
    """Warnings and errors that came to the console since the last call."""
    return [entry["message"] for entry in driver.get_log("browser") if entry["level"] in ("WARNING", "SEVERE")]


def asked(driver: Chrome) -> list[str]:
    """The addresses of all requests since the last call."""
    messages: list[dict[str, Any]] = [
        json.loads(entry["message"])["message"] for entry in driver.get_log("performance")
    ]
    return [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]


def resize(driver: Chrome, width: int, height: int = 800, scale: float = 1) -> None:
    """Make the view this large, in CSS pixels of `scale` pixels each."""
    settings = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", settings)
