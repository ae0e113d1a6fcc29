"""Ten thousand to-dos: the page does everything and holds only what was asked for; what it took is printed."""

from __future__ import annotations

import pytest
from todo_page import Page

COUNT = 10_000


@pytest.fixture
def many(page: Page, application) -> Page:
    """The page with ten thousand to-dos, every fourth done."""
    application.store((f"number {number}", number % 4 == 0) for number in range(1, COUNT + 1))
    page.open()
    return page


def milliseconds(page: Page, action: str, done: str) -> float:
    """How long after `action` the page is painted with `done` true, measured in the page."""
    return page.driver.execute_async_script(
        f"""
        const finish = arguments[0], start = performance.now();
        const look = () => ({done}) ? requestAnimationFrame(() => setTimeout(() => finish(performance.now() - start)))
            : requestAnimationFrame(look);
        {action};
        look();
        """
    )


def test_usable_with_ten_thousand(many):
    paint = many.script("return performance.getEntriesByName('first-contentful-paint')[0].startTime")
    listed = many.script(
        "return performance.getEntriesByType('resource').find((r) => r.name.includes('/api/todos')).responseEnd"
    )
    rows = "document.querySelectorAll('#list li').length"
    first = "document.querySelector('#list .title')?.textContent"
    took = {"first paint": paint, "list": listed}
    assert many.text("#counts") == "7500 open, 2500 done"
    assert many.script(f"return [{rows}, document.querySelectorAll('*').length < 1000]") == [50, True]

    click = "document.querySelector('%s').click()"
    for name in ("done", "open", "all"):
        button = f"[data-filter={name}]"
        took[f"filter {name}"] = milliseconds(
            many, click % button, f"document.querySelector('{button}[aria-pressed=true]')"
        )
        assert len(many.titles()) == 50
    more = [milliseconds(many, click % "#more", f"{rows} === {count}") for count in range(100, 1050, 50)]
    took["show more, first"], took["show more, 19th"] = more[0], more[-1]
    write = "document.getElementById('new-title').value = 'one more';" + click % "#new-form button"
    took["add"] = milliseconds(many, write, f"{first} === 'one more'")
    took["tick the 1000th"] = milliseconds(
        many, "document.querySelectorAll('.tick')[999].click()", "document.querySelector('li.done:nth-child(1000)')"
    )
    took["delete the 1000th"] = milliseconds(
        many, "document.querySelectorAll('.remove')[999].click()", f"{rows} === 1000"
    )
    print("milliseconds:", {what: round(time) for what, time in took.items()})
