"""On a phone and on a desktop: nothing is cut off or scrolls sideways, and everything can be hit with a finger."""

from __future__ import annotations

import pytest
from todo_browser import resize

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
