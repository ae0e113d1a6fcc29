"""The page of the todo application as a person sees and uses it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

SECONDS = 15


@dataclass(frozen=True)
class Page:
    """One open page. `address` is the site's, `api` a client of the same site."""

    driver: Chrome
    address: str
    api: httpx.Client

    def open(self) -> None:
        """Load the page and wait for its list and its user."""
        self.driver.get(self.address)
        self.until(
            lambda: self.text("#counts") and self.text("#user-name") != "…" and self.settled(), "the list and the user"
        )

    def until(self, condition: Callable[[], Any], what: str) -> Any:
        """What `condition` gives once it is truthy; elements may come and go meanwhile."""
        gone = (NoSuchElementException, StaleElementReferenceException)
        return WebDriverWait(self.driver, SECONDS, 0.02, gone).until(lambda _driver: condition(), f"not seen: {what}")

    def find(self, selector: str) -> WebElement:
        """The first element of a CSS selector."""
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector: str) -> str:
        """The text of that element as shown."""
        return self.find(selector).text

    def titles(self) -> list[str]:
        """What the list's rows say, from the top."""
        return self.script("return [...document.querySelectorAll('#list .title')].map((title) => title.textContent)")

    def row(self, title: str) -> WebElement:
        """The row that has this title."""
        found = self.script(
            "return [...document.querySelectorAll('#list li')]"
            ".find((row) => row.querySelector('.title')?.textContent === arguments[0])",
            title,
        )
        if found is None:
            raise NoSuchElementException(title)
        return found

    def part(self, title: str, part: str) -> WebElement:
        """tick, edit or remove of a row."""
        return self.row(title).find_element(By.CSS_SELECTOR, f".{part}")

    def shows(self, *titles: str) -> None:
        """Wait until the list is exactly this."""
        self.until(lambda: self.titles() == list(titles) and self.settled(), f"{titles}, but {self.titles()}")

    def settled(self) -> bool:
        """Whether nothing is under way."""
        return self.find("#list").get_attribute("aria-busy") == "false"

    def focused(self) -> str:
        """The focused element: its accessible name."""
        return self.driver.switch_to.active_element.accessible_name

    def focus_on(self, name: str) -> None:
        """Wait until the focus is on the element of this accessible name."""
        self.until(lambda: self.focused() == name, f"focus on {name!r}, but it is on {self.focused()!r}")

    def script(self, script: str, *arguments: Any) -> Any:
        """What a piece of JavaScript returns."""
        return self.driver.execute_script(script, *arguments)

    def stored(self) -> list[tuple[str, bool]]:
        """What the server has: title and done, newest first."""
        return [(item["title"], item["done"]) for item in self.api.get("/api/todos").json()["items"]]


class Mouse:
    """Points and clicks; the keyboard is for text alone."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def press(self, element: WebElement) -> None:
        """Use a button or a box."""
        self._at(element).click().perform()

    def write(self, element: WebElement, text: str, submit: str) -> None:
        """Write into a field in place of what it holds, and send it with the button of this selector."""
        self._at(element).click().click().click().send_keys(text).perform()
        self.press(self._page.find(submit))

    def _at(self, element: WebElement) -> ActionChains:
        page, places = self._page, [None]
        page.script("arguments[0].scrollIntoView({block: 'nearest'})", element)

        def at_rest() -> bool:
            places.append(
                page.script(
                    "return new Promise((done) => requestAnimationFrame(() => {"
                    "const place = arguments[0].getBoundingClientRect(); done([place.x, place.y]); }))",
                    element,
                )
            )
            return places[-1] == places[-2]

        page.until(at_rest, "an end of scrolling")
        return ActionChains(page.driver, duration=0).move_to_element(element)


class Keyboard:
    """Reaches everything by Tab, and uses it by Space and Enter."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def press(self, element: WebElement) -> None:
        """Use a button or a box."""
        self._go_to(element)
        ActionChains(self._page.driver).send_keys(Keys.SPACE).perform()

    def write(self, element: WebElement, text: str, submit: str) -> None:
        """Write into a field in place of what it holds, and send it with Enter."""
        del submit
        self._go_to(element)
        chain = ActionChains(self._page.driver)
        chain.key_down(Keys.CONTROL).send_keys("a").key_up(Keys.CONTROL).send_keys(text, Keys.ENTER).perform()

    def _go_to(self, element: WebElement) -> None:
        order = self._page.script(
            "const places = [...document.querySelectorAll('button, input')].filter((place) => place.checkVisibility());"
            "return [places.indexOf(document.activeElement), places.indexOf(arguments[0])]",
            element,
        )
        steps = order[1] - order[0]
        chain = ActionChains(self._page.driver)
        for _step in range(abs(steps)):
            if steps > 0:
                chain.send_keys(Keys.TAB)
            else:
                chain.key_down(Keys.SHIFT).send_keys(Keys.TAB).key_up(Keys.SHIFT)
        chain.perform()
        assert self._page.driver.switch_to.active_element == element, "Tab does not follow the order of the page"
