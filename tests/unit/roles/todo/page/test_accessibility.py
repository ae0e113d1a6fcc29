"""axe-core finds nothing serious, in both languages, light and dark, at rest and with everything open."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from todo_browser import resize

PIN = Path(__file__).with_name("axe.txt")


@pytest.fixture(scope="module")
def axe() -> str:
    """axe-core's source, from the package that axe.txt pins; kept in the cache between runs."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "selfhosted-serverless", "axe")
    folder = cache / hashlib.sha256(PIN.read_bytes()).hexdigest()[:16]
    if not list(folder.glob("*.whl")):
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--only-binary=:all:", "--require-hashes", "--requirement", PIN, "--dest", folder]
        subprocess.run(command, check=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as package:
        (name,) = [name for name in package.namelist() if name.endswith("/axe.min.js")]
        return package.read(name).decode()


def findings(page, axe: str) -> list[str]:
    """Serious and critical findings: rule, and the places where it is broken."""
    page.script(axe)
    passes, *found = page.driver.execute_async_script(
        """
        const done = arguments[0];
        axe.run(document).then(({violations, passes}) => done([passes.length, ...violations
            .filter((rule) => ["serious", "critical"].includes(rule.impact))
            .map((rule) => `${rule.id}: ${rule.nodes.map((node) => node.target).join(" ")}`)]));
        """
    )
    assert passes > 15, "axe-core did not look"
    return found


@pytest.fixture(params=["light", "dark"])
def scheme(request, browser):
    """What the browser says that the person prefers."""

    def set_to(value: str) -> None:
        features = [{"name": "prefers-color-scheme", "value": value}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    set_to(request.param)
    yield request.param
    set_to("light")


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_nothing_serious(page, given, axe, scheme, language, width):
    resize(page.driver, width)
    page.script("localStorage.setItem('todo.language', arguments[0])", language)
    page.open()
    paper = page.script("return getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", paper))) < 382) == (scheme == "dark")
    assert findings(page, axe) == []  # empty
    given("one", "two", "three")
    page.part("two", "tick").click()
    page.part("one", "edit").click()
    page.find("#new-form button").click()
    page.until(lambda: page.find("#message").is_displayed() and page.settled(), "the message")
    assert page.row("two").get_attribute("class") == "done"
    assert findings(page, axe) == []  # items, one done, one in the editor, and an error


def test_it_would_be_found(page, axe):
    page.script(
        "document.querySelector('#new-form label').remove(); document.getElementById('new-title').placeholder = ''"
    )
    page.script("document.getElementById('counts').style.color = '#eee'")
    assert {finding.split(":")[0] for finding in findings(page, axe)} >= {"color-contrast", "label"}
