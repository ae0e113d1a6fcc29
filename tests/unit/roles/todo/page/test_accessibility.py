"""axe-core finds nothing serious, in both languages, light and dark, at rest and with everything open."""

from __future__ import annotations

import re

import pytest
from axe_core import axe_source, findings
from headless_browser import resize


@pytest.fixture(scope="module")
def axe() -> str:
    return axe_source()


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
    assert findings(page.driver, axe) == []  # empty
    given("one", "two", "three")
    page.part("two", "tick").click()
    page.part("one", "edit").click()
    page.find("#new-form button").click()
    page.until(lambda: page.find("#message").is_displayed() and page.settled(), "the message")
    assert page.row("two").get_attribute("class") == "done"
    assert findings(page.driver, axe) == []  # items, one done, one in the editor, and an error


def test_it_would_be_found(page, axe):
    page.script(
        "document.querySelector('#new-form label').remove(); document.getElementById('new-title').placeholder = ''"
    )
    page.script("document.getElementById('counts').style.color = '#eee'")
    assert {finding.split(":")[0] for finding in findings(page.driver, axe)} >= {"color-contrast", "label"}
