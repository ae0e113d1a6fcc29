"""Both languages: what the browser prefers, the switch, what is remembered, and that no text is missing."""

from __future__ import annotations

import pytest


@pytest.fixture
def prefer(browser):
    """Makes the browser prefer languages, as its settings would."""
    agent = browser.execute_script("return navigator.userAgent")

    def prefer(*languages: str) -> None:
        values = {"userAgent": agent, "acceptLanguage": ",".join(languages)}
        browser.execute_cdp_cmd("Emulation.setUserAgentOverride", values)

    yield prefer
    prefer("en-US")


def language(page) -> list[str]:
    return page.script(
        "return [document.documentElement.lang, document.title, document.querySelector('h1').textContent]"
    )


ENGLISH = ["en", "To-dos", "To-dos"]
CHINESE = ["zh-Hans", "待办事项", "待办事项"]


@pytest.mark.parametrize(
    ("preferred", "expected"),
    [
        (("zh-CN",), CHINESE),
        (("zh",), CHINESE),
        (("fr-FR", "zh-TW", "en"), CHINESE),
        (("en-GB", "zh"), ENGLISH),
        (("fr",), ENGLISH),
    ],
)
def test_the_language_that_the_browser_prefers(page, prefer, preferred, expected):
    prefer(*preferred)
    page.open()
    assert language(page) == expected


def test_the_switch_is_remembered(page, hand):
    assert language(page) == ENGLISH
    assert page.text("#language") == "中文"
    hand.press(page.find("#language"))
    page.until(lambda: language(page) == CHINESE, "Chinese")
    page.focus_on("English")
    assert page.find("#language").get_attribute("lang") == "en"
    page.open()
    assert language(page) == CHINESE
    hand.press(page.find("#language"))
    page.until(lambda: language(page) == ENGLISH, "English")
    page.open()
    assert language(page) == ENGLISH


def test_a_switch_changes_every_text_and_keeps_what_is_being_written(page, hand, given):
    given("one", "two")
    hand.press(page.part("two", "edit"))
    page.find(".editor input").send_keys(" and a half")
    page.find("#new-title").send_keys("half a title")
    hand.press(page.find("#language"))
    page.until(lambda: language(page) == CHINESE, "Chinese")
    assert page.find(".editor input").get_attribute("value") == "two and a half"
    assert page.find(".editor input").accessible_name == "编辑：two"
    assert page.find("#new-title").get_attribute("value") == "half a title"
    assert page.find("#new-title").accessible_name == "新的待办"
    shown = page.text("body").replace("one", "").replace("English", "").replace("user-00007", "").replace("v1", "")
    assert not any(letter.isascii() and letter.isalpha() for letter in shown), shown
    for part, name in (("tick", "完成：one"), ("edit", "编辑：one"), ("remove", "删除：one")):
        assert page.part("one", part).accessible_name == name


def test_a_message_is_told_in_the_new_language_too(page, hand):
    hand.press(page.find("#new-form button"))
    page.until(lambda: "1 to 200" in page.text("#message"), "the message")
    hand.press(page.find("#language"))
    page.until(lambda: page.text("#message") == "标题须为 1 到 200 个字符，且不含控制字符。", "the message in Chinese")


def test_both_languages_have_the_same_texts(page):
    shapes = page.driver.execute_async_script(
        """
        const done = arguments[0];
        const shape = (value) => typeof value === "object"
            ? Object.fromEntries(Object.keys(value).sort().map((key) => [key, shape(value[key])])) : typeof value;
        import("/static/texts.js").then(({TEXTS}) => done([shape(TEXTS.en), shape(TEXTS.zh)]));
        """
    )
    assert shapes[0] == shapes[1]
    assert len(shapes[0]["errors"]) >= 10
