"""Strings that are meant to run as scripts, as titles: typed, listed, edited. None runs, each is shown as it is."""

from __future__ import annotations

import pytest
from attacks import XSS
from headless_browser import logged
from todo_page import Mouse, Page

ROW = ["LABEL", "INPUT", "SPAN", "BUTTON", "svg", "path", "SPAN", "BUTTON", "svg", "path", "SPAN"]
# The names of all elements of every row, and those of the page around the list
ELEMENTS = """
const names = (root) => [...root.querySelectorAll('*')].map((element) => element.tagName);
const outside = document.documentElement.cloneNode(true);
outside.querySelector('#list').replaceChildren();
return [[...document.querySelectorAll('#list li')].map(names), names(outside)];
"""
ATTRIBUTES = """
return [...document.querySelectorAll('#list *')].flatMap((element) => element.getAttributeNames())
  .filter((name) => name.startsWith('on') || ['href', 'src', 'style', 'srcdoc', 'action'].includes(name))
"""


@pytest.fixture
def around(page: Page) -> list[str]:
    """The elements around the empty list."""
    return page.script(ELEMENTS)[1]


def type_in(page: Page, title: str) -> None:
    """Give a title to the field, as if pasted: some have characters that no key writes."""
    page.script(
        "const field = document.getElementById('new-title'); field.value = arguments[0]; field.form.requestSubmit()",
        title,
    )


def test_none_runs(page, around):
    assert len(set(XSS)) >= 100
    for title in XSS:
        type_in(page, title)
    newest_first = [title.strip() for title in reversed(XSS)]
    page.shows(*newest_first)
    page.open()
    Mouse(page).press(page.find("#more"))
    page.until(lambda: len(page.titles()) == len(XSS), "all of them")
    assert page.titles() == newest_first
    rows, outside = page.script(ELEMENTS)
    assert rows == [ROW] * len(XSS) and outside == around
    assert page.script(ATTRIBUTES) == []


def test_none_runs_in_the_editor(page, given, around):
    newest_first = [title.strip() for title in reversed(XSS)]
    given(*reversed(newest_first))
    Mouse(page).press(page.find("#more"))
    page.until(lambda: len(page.titles()) == len(XSS), "all of them")
    page.script("for (const button of document.querySelectorAll('.edit')) button.click()")
    values = page.script("return [...document.querySelectorAll('.editor input')].map((field) => field.value)")
    assert values == newest_first
    page.script("for (const button of document.querySelectorAll('.editor [type=submit]')) button.click()")
    page.shows(*newest_first)
    rows, outside = page.script(ELEMENTS)
    assert rows == [ROW] * len(XSS) and outside == around
    assert page.script(ATTRIBUTES) == []
    assert not page.find("#message").is_displayed()
    listed = page.api.get("/api/todos?limit=100").json()["items"]
    assert [item["title"] for item in listed] == newest_first[:100]


def test_the_browser_would_tell(page, expected_log):
    """As HTML, such a string does what the other tests would see, and the policy keeps it from running."""
    expected_log += ["violates the following Content Security Policy directive", "404 (Not Found)"]
    page.script("document.getElementById('list').innerHTML = arguments[0]", "<li><img src=/x onerror=alert(1)></li>")
    assert page.script(ATTRIBUTES) == ["src", "onerror"]
    page.until(lambda: any("Content Security Policy" in text for text in logged(page.driver)), "the refusal")
