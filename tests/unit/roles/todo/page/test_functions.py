"""What a person does with the page, once by mouse and once by the keyboard alone; where the focus is afterwards."""

from __future__ import annotations

from typing import Any

import pytest
from selenium.webdriver import ActionChains, Keys
from todo_page import Page

ADD = "#new-form button"
SAVE = ".editor button[type=submit]"


def test_an_empty_list_says_so(page):
    assert page.text("#empty") == "Nothing to do yet. Write the first to-do above."
    assert not page.find("#more").is_displayed()


def test_add(page, hand):
    hand.write(page.find("#new-title"), "buy milk", ADD)
    page.shows("buy milk")
    hand.write(page.find("#new-title"), "  买面包  ", ADD)
    page.shows("买面包", "buy milk")
    assert page.find("#new-title").get_attribute("value") == ""
    assert page.text("#counts") == "2 open, 0 done"
    assert page.stored() == [("买面包", False), ("buy milk", False)]
    page.focus_on("New to-do")
    assert page.script("return document.getElementById('status').textContent") == "Added: 买面包"


@pytest.mark.parametrize("title", ["", "   ", "x" * 201])
def test_a_title_that_cannot_be_is_explained_and_kept(page, hand, title):
    hand.write(page.find("#new-title"), title, ADD)
    page.until(lambda: "1 to 200 characters" in page.text("#message"), "the message")
    assert page.find("#new-title").get_attribute("value") == title
    assert page.find("#new-title").get_attribute("aria-invalid") == "true"
    page.focus_on("New to-do")
    hand.write(page.find("#new-title"), "good", ADD)
    page.shows("good")
    assert not page.find("#message").is_displayed()
    assert page.find("#new-title").get_attribute("aria-invalid") == "false"


@pytest.mark.parametrize("title", ["x" * 200, "🙂" * 200])
def test_the_longest_title(page, title):
    page.script("document.getElementById('new-title').value = arguments[0]", title)
    page.find(ADD).click()
    page.shows(title)
    assert page.stored() == [(title, False)]


def test_tick_and_untick(page, hand, given):
    given("one", "two")
    for done, counts in ((True, "1 open, 1 done"), (False, "2 open, 0 done")):
        hand.press(page.part("two", "tick"))
        page.until(lambda counts=counts: page.text("#counts") == counts, counts)
        assert page.part("two", "tick").is_selected() is done
        assert page.stored() == [("two", done), ("one", False)]
        page.focus_on("Done: two")
    page.shows("two", "one")


def test_edit(page, hand, given):
    given("one", "two")
    hand.press(page.part("one", "edit"))
    page.focus_on("Edit: one")
    field = page.find(".editor input")
    assert field.get_attribute("value") == "one"
    hand.write(field, "eins", SAVE)
    page.shows("two", "eins")
    assert page.stored() == [("two", False), ("eins", False)]
    page.focus_on("Edit: eins")


def test_edit_left_by_the_button(page, hand, given):
    given("one")
    hand.press(page.part("one", "edit"))
    ActionChains(page.driver).send_keys("other").perform()
    hand.press(page.find(".editor .cancel"))
    page.shows("one")
    page.focus_on("Edit: one")
    assert page.stored() == [("one", False)]


def test_edit_left_by_escape(page, hand, given):
    given("one")
    hand.press(page.part("one", "edit"))
    ActionChains(page.driver).send_keys("other", Keys.ESCAPE).perform()
    page.shows("one")
    page.focus_on("Edit: one")


def test_an_edit_that_cannot_be_is_explained_and_kept(page, hand, given):
    given("one")
    hand.press(page.part("one", "edit"))
    hand.write(page.find(".editor input"), "x" * 201, SAVE)
    page.until(lambda: "1 to 200 characters" in page.text("#message"), "the message")
    assert page.find(".editor input").get_attribute("value") == "x" * 201
    page.focus_on("Edit: one")


def test_delete(page, hand, given):
    given("one", "two", "three")
    hand.press(page.part("two", "remove"))
    page.shows("three", "one")
    page.focus_on("Delete: one")  # the next one
    hand.press(page.part("one", "remove"))
    page.shows("three")
    page.focus_on("Delete: three")  # it was the last: the one before
    hand.press(page.part("three", "remove"))
    page.shows()
    page.focus_on("New to-do")
    assert page.find("#empty").is_displayed() and page.stored() == []


def test_filter(page, hand, given):
    given("one", "two", "three")
    hand.press(page.part("two", "tick"))
    page.until(lambda: page.text("#counts") == "2 open, 1 done", "the tick")
    for name, titles in (("open", ["three", "one"]), ("done", ["two"]), ("all", ["three", "two", "one"])):
        hand.press(page.find(f"[data-filter={name}]"))
        page.shows(*titles)
        page.focus_on(name.capitalize())
        pressed = page.script("return document.querySelector('[aria-pressed=true]').dataset.filter")
        assert (pressed, page.text("#counts")) == (name, "2 open, 1 done")


def test_what_a_filter_hides_leaves_the_list(page, hand, given):
    given("one", "two", "three")
    hand.press(page.find("[data-filter=open]"))
    page.until(page.settled, "the filtered list")
    hand.press(page.part("two", "tick"))
    page.shows("three", "one")
    page.focus_on("Done: one")
    hand.press(page.find("[data-filter=done]"))
    page.shows("two")
    hand.press(page.part("two", "tick"))
    page.shows()
    assert page.text("#empty") == "Nothing is done yet."
    page.focus_on("New to-do")
    # What is new is open: the filter gives way to it.
    hand.write(page.find("#new-title"), "four", ADD)
    page.shows("four", "three", "two", "one")


def test_show_more(page, hand, given):
    given(*(f"number {number}" for number in range(1, 121)))
    expected = [f"number {number}" for number in range(120, 0, -1)]
    page.shows(*expected[:50])
    for count, first in ((100, "number 70"), (120, "number 20")):
        hand.press(page.find("#more"))
        page.shows(*expected[:count])
        page.focus_on(f"Done: {first}")
    assert not page.find("#more").is_displayed()


def test_who_asks_and_which_revision_answers(page, hand):
    assert page.text("#user") == "Current user 秦粤 v1 answered by user-00007"
    before = page.script("return performance.getEntriesByName(location.origin + '/api/user').length")
    hand.press(page.find("#user-again"))
    page.until(
        lambda: page.script("return performance.getEntriesByName(location.origin + '/api/user').length") == before + 1,
        "another question",
    )
    page.focus_on("Ask again")


def test_a_row_that_somebody_else_deleted(page, hand, given, expected_log):
    expected_log.append("404 (Not Found)")
    given("one", "two", "three")
    for item in page.api.get("/api/todos").json()["items"][:2]:
        page.api.delete(f"/api/todos/{item['id']}")
    hand.press(page.part("three", "tick"))
    page.shows("two", "one")
    assert (page.text("#message"), page.text("#counts")) == ("This to-do no longer exists.", "1 open, 0 done")
    hand.press(page.part("two", "edit"))
    hand.write(page.find(".editor input"), "much text", SAVE)
    page.shows("one")
    assert page.text("#message") == "This to-do no longer exists. Not saved: much text"


def place_of(page: Page, title: str) -> Any:
    """How far from the top of the view a row stands, and how many rows the list has."""
    return page.script(
        "return [arguments[0].getBoundingClientRect().top, document.querySelectorAll('#list li').length]",
        page.row(title),
    )


def test_changes_deep_in_the_list_keep_the_place(page, hand, given):
    given(*(f"number {number}" for number in range(1, 121)))
    hand.press(page.find("#more"))
    page.until(lambda: len(page.titles()) == 100, "two pages")
    hand.press(page.part("number 30", "tick"))
    page.until(lambda: page.text("#counts") == "119 open, 1 done", "the tick")
    page.script("arguments[0].scrollIntoView({block: 'center'})", page.row("number 31"))
    top, count = place_of(page, "number 31")
    assert count == 100
    hand.press(page.part("number 30", "tick"))
    page.until(lambda: page.text("#counts") == "120 open, 0 done", "the end of the tick")
    assert place_of(page, "number 31") == [top, 100]
    hand.press(page.part("number 30", "remove"))
    page.until(lambda: page.text("#counts") == "119 open, 0 done", "the deletion")
    assert place_of(page, "number 31") == [top, 99]
