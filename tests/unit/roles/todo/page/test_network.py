"""Without a server, with one that fails, and with a slow one: the page says what is wrong and loses nothing."""

from __future__ import annotations

import signal

import pytest
from headless_browser import HOST, asked, logged
from todo_application import serving
from todo_page import Page
from todo_relay import Relay

ADD = "#new-form button"
SAVE = ".editor button[type=submit]"
AWAY = "The server cannot be reached. Try again soon."


@pytest.fixture
def network(page: Page, expected_log):
    """Sets how the browser reaches the network: `network(offline=True)`, `network(latency=500)`."""
    expected_log.append("net::ERR_INTERNET_DISCONNECTED")

    def set_to(offline: bool = False, latency: int = 0) -> None:
        values = {"offline": offline, "latency": latency, "downloadThroughput": -1, "uploadThroughput": -1}
        page.driver.execute_cdp_cmd("Network.emulateNetworkConditions", values)

    yield set_to
    set_to()


def told(page: Page, message: str) -> None:
    page.until(lambda: page.text("#message-text") == message and page.settled(), message)


def test_without_a_network_nothing_is_lost_and_it_goes_on_afterwards(page, hand, given, network):
    given("one", "two")
    network(offline=True)
    hand.write(page.find("#new-title"), "three", ADD)
    told(page, AWAY)
    assert page.find("#new-title").get_attribute("value") == "three"
    hand.press(page.part("two", "tick"))
    page.until(page.settled, "the end of the try")
    told(page, AWAY)
    assert not page.part("two", "tick").is_selected()
    hand.press(page.part("two", "remove"))
    told(page, AWAY)
    page.shows("two", "one")
    hand.press(page.part("one", "edit"))
    hand.write(page.find(".editor input"), "eins", SAVE)
    told(page, AWAY)
    assert page.find(".editor input").get_attribute("value") == "eins"
    hand.press(page.find("[data-filter=done]"))
    told(page, AWAY)
    assert page.find("[data-filter=all]").get_attribute("aria-pressed") == "true"

    network()
    hand.press(page.find("#retry"))  # the filter
    page.shows()
    assert page.text("#counts") == "2 open, 0 done" and not page.find("#message").is_displayed()
    hand.press(page.find(ADD))
    page.shows("three", "two", "one")


def test_an_edit_is_saved_once_the_network_is_back(page, hand, given, network):
    given("one")
    hand.press(page.part("one", "edit"))
    network(offline=True)
    hand.write(page.find(".editor input"), "eins", SAVE)
    told(page, AWAY)
    network()
    hand.press(page.find(SAVE))
    page.shows("eins")
    page.focus_on("Edit: eins")
    assert page.stored() == [("eins", False)]


def test_what_is_written_while_an_answer_is_awaited_stays(page, network):
    network(offline=False, latency=300)
    field = page.find("#new-title")
    field.send_keys("one\n")
    field.send_keys("two\n")
    field.send_keys("thr")
    page.shows("two", "one")
    assert field.get_attribute("value") == "thr"


def test_a_server_that_dies_while_it_is_asked(browser, tmp_path):
    with serving(tmp_path) as application:
        page = Page(browser, application.address, application.api)
        page.open()
        application.process.send_signal(signal.SIGSTOP)  # it accepts the request and does not answer
        page.find("#new-title").send_keys("one\n", "tw")
        assert not page.settled()
        application.process.kill()
        told(page, f"{AWAY} Not saved: one")
        assert page.find("#new-title").get_attribute("value") == "tw"
        logged(browser)
        asked(browser)


def test_a_title_whose_answer_was_lost_is_stored_once(browser, application):
    application.clear()
    with Relay(application.port) as relay:
        page = Page(browser, f"http://{HOST}:{relay.port}", application.api)
        page.open()
        relay.answers = False
        page.find("#new-title").send_keys("one\n")
        told(page, AWAY)
        assert page.stored() == [("one", False)]  # which the page cannot know
        assert page.find("#new-title").get_attribute("value") == "one"
        relay.answers = True
        page.find(ADD).click()
        page.shows("one")
        assert (page.stored(), page.text("#counts")) == ([("one", False)], "1 open, 0 done")
        # From now on it is known to be stored: the same title is another to-do.
        page.find("#new-title").send_keys("one\n")
        page.shows("one", "one")
        logged(browser)
        asked(browser)
