"""The page of a report in a headless Chromium: readable by everybody, at any width, in light and dark."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.report.page import page
from axe_core import axe_source, findings
from headless_browser import asked, chromium, logged, resize
from noted_runs import Host, report, site, site_run
from selenium.webdriver import Chrome

HOSTILE = "<img src=//evil.example/x onerror=alert(2)><script>alert(1)</script>" + "x" * 300


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    with chromium() as driver:
        yield driver


@pytest.fixture(scope="module")
def axe() -> str:
    return axe_source()


def complete(directory: Path) -> None:
    site_run(directory, "lab")


def two_contexts_of_which_one_failed(directory: Path) -> None:
    site_run(directory, "blue")
    site_run(directory, "green", pace=1.4, fails=True)


def hostile(directory: Path) -> None:
    host = Host(directory, HOSTILE)
    fact = dict.fromkeys(("name", "text", "cause", "remedy"), HOSTILE)
    host.step(0, 1, HOSTILE, role=HOSTILE, warnings=[[HOSTILE, HOSTILE]], notes=site(facts=[fact]))
    host.step(1, 1, HOSTILE, "failed", error=HOSTILE)


def begun(directory: Path) -> None:
    Host(directory, "lab")


def show(browser: Chrome, directory: Path, made: object, scheme: str, width: int) -> None:
    made(directory)  # type: ignore[operator]
    file = directory / "report.html"
    file.write_text(page(report(directory, now=300)))
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    resize(browser, width)
    asked(browser)
    browser.get(file.as_uri())


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("made", [complete, two_contexts_of_which_one_failed, hostile, begun])
def test_it_can_be_read(browser: Chrome, axe: str, tmp_path: Path, made: object, scheme: str, width: int) -> None:
    show(browser, tmp_path, made, scheme, width)
    paper = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", paper))) < 382) == (scheme == "dark")
    for opened in (False, True):
        browser.execute_script(
            "for (const one of document.querySelectorAll('details')) one.open = arguments[0]", opened
        )
        width_of_content = browser.execute_script("return document.documentElement.scrollWidth")
        assert width_of_content <= width, "it does not have to be moved sideways"
    # axe-core is put into the page past its policy, as the browser's own scripts are
    assert findings(browser, axe) == []
    assert logged(browser) == [] and browser.execute_script("return window.called") == []
    assert [url for url in asked(browser) if not url.startswith((tmp_path.as_uri(), "data:"))] == []


@pytest.mark.parametrize(("width", "shown"), [(360, "narrow"), (1280, "wide")])
def test_one_picture_is_seen_and_its_words_are_large_enough(
    browser: Chrome, tmp_path: Path, width: int, shown: str
) -> None:
    show(browser, tmp_path, complete, "light", width)
    seen = browser.execute_script(
        "return [...document.querySelectorAll('svg')].filter((one) => one.checkVisibility())"
        ".map((one) => [one.parentElement.className, one.querySelector('text').getBoundingClientRect().height])"
    )
    assert [name for name, _height in seen] == [shown]
    assert seen[0][1] >= 12, "pixels of a line of text"


def test_words_of_the_picture_do_not_run_into_bars_or_out_of_it(browser: Chrome, tmp_path: Path) -> None:
    for width in (360, 1280):
        show(browser, tmp_path / str(width), lambda folder: (folder.mkdir(), complete(folder)), "light", width)
        outside = browser.execute_script(
            """
            const [svg] = [...document.querySelectorAll('svg')].filter((one) => one.checkVisibility());
            const paper = svg.getBoundingClientRect(), bars = [...svg.querySelectorAll('rect:not(.paper)')];
            const meets = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
            return [...svg.querySelectorAll('text')].filter((text) => {
                const box = text.getBoundingClientRect();
                const inset = {left: box.left, right: box.right, top: box.top + 3, bottom: box.bottom - 3};
                return box.left < paper.left - 1 || box.right > paper.right + 1 || box.bottom > paper.bottom + 1
                    || bars.some((bar) => meets(inset, bar.getBoundingClientRect()));
            }).map((text) => text.textContent);
            """
        )
        assert outside == []
