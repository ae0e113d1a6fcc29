"""On a phone and on a desktop: nothing is cut off or scrolls sideways, and everything can be hit with a finger."""

from __future__ import annotations

import pytest
from headless_browser import resize
from selenium.webdriver import ActionChains, Keys

LONG = ["w" * 200, "待" * 200, "many words " * 17 + "end", "short"]
# What reaches out of the view to the right, and what can be pressed but is smaller than 44 px
WIDE = """
return [...document.body.querySelectorAll('*')].filter((element) => element.checkVisibility()
  && !element.closest('.only-heard, template') && getComputedStyle(element).clipPath === 'none'
  && (element.getBoundingClientRect().right > innerWidth + 0.5 || element.getBoundingClientRect().left < -0.5))
  .map((element) => element.outerHTML.slice(0, 80))
"""
SMALL = """
return [...document.querySelectorAll('button, input')].filter((element) => element.checkVisibility())
  .map((element) => element.closest('label') ?? element)
  .filter((target) => target.getBoundingClientRect().width < 44 || target.getBoundingClientRect().height < 44)
  .map((target) => target.outerHTML.slice(0, 80))
"""


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("width", [360, 1280])
def test_fits(page, given, width, language):
    resize(page.driver, width)
    page.script("localStorage.setItem('todo.language', arguments[0])", language)
    given(*LONG)
    page.shows(*reversed(LONG))
    page.part("short", "edit").click()
    page.find("#new-form button").click()
    page.until(lambda: page.find("#message").is_displayed(), "the message")
    assert page.script("return innerWidth") == width
    assert page.script("return document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert page.script(WIDE) == []
    assert page.script(SMALL) == []


def test_the_list_uses_the_middle_of_a_wide_window(page):
    left, right = page.script(
        "const place = document.querySelector('main').getBoundingClientRect();"
        "return [place.left, innerWidth - place.right]"
    )
    assert abs(left - right) <= 20 and left > 200


def test_the_focus_can_be_seen(page, given):
    given("one")
    seen = []
    for _place in range(10):
        ActionChains(page.driver).send_keys(Keys.TAB).perform()
        name, style, width = page.script(
            "const place = document.activeElement, style = getComputedStyle(place);"
            "return [place.id || place.ariaLabel || place.textContent, style.outlineStyle, style.outlineWidth]"
        )
        seen.append(name)
        assert (style, width) == ("solid", "3px"), name
    assert len(set(seen)) == 10, seen


@pytest.mark.parametrize(("motion", "moves"), [("no-preference", True), ("reduce", False)])
def test_waiting_is_shown_and_moves_only_where_that_is_welcome(page, motion, moves):
    features = [{"name": "prefers-reduced-motion", "value": motion}]
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    shown = (
        "const bar = getComputedStyle(document.getElementById('list'), '::before'); return [bar.content, bar.height, "
    )
    shown += "bar.animationIterationCount.includes('infinite')]"
    assert page.script(shown)[0] == "none"
    slow = {"offline": False, "latency": 500, "downloadThroughput": -1, "uploadThroughput": -1}
    page.driver.execute_cdp_cmd("Network.emulateNetworkConditions", slow)
    try:
        page.find("#new-title").send_keys("one\n")
        assert page.script(shown) == ['""', "4px", moves]
        page.shows("one")
        assert page.script(shown)[0] == "none"
    finally:
        page.driver.execute_cdp_cmd("Network.emulateNetworkConditions", {**slow, "latency": 0})
        page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
