# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTML as a tree, so that it is well-formed whatever the texts hold: nothing that a text says becomes markup."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from xml.etree import ElementTree

Element = ElementTree.Element


def add(parent: Element, tag: str, text: str = "", **attributes: str) -> Element:
    """Add an element; an underscore in an attribute's name stands for a hyphen, one at its end for nothing."""
    values = {name.removesuffix("_").replace("_", "-"): value for name, value in attributes.items()}
    element = ElementTree.SubElement(parent, tag, values)
    element.text = text or None
    return element


def section(parent: Element, level: int, title: str, key: str) -> Element:
    """Add a section that its heading names; `key` is unique in the page."""
    made = add(parent, "section", aria_labelledby=key)
    add(made, f"h{level}", title, id=key)
    return made


def folded(parent: Element, summary: str, is_open: bool = False) -> Element:
    """Add what is shown when its summary is pressed."""
    details = add(parent, "details", **({"open": "open"} if is_open else {}))
    add(details, "summary", summary)
    return details


def table(parent: Element, caption: str, headings: Sequence[str], numbers: Iterable[int] = ()) -> Element:
    """Add a table with a caption that is read, not seen, and return its body; columns in `numbers` hold figures."""
    made = add(parent, "table")
    add(made, "caption", caption, class_="unseen")
    head = add(add(made, "thead"), "tr")
    right = set(numbers)
    for column, heading in enumerate(headings):
        add(head, "th", heading, scope="col", **({"class_": "number"} if column in right else {}))
    return add(made, "tbody")


def code(parent: Element, text: str) -> Element:
    """Add a text of programs: set apart, so that its direction of writing changes nothing around it."""
    return add(parent, "code", text, dir="auto")


def document(root: Element) -> str:
    """Return a whole page as text."""
    return "<!DOCTYPE html>\n" + ElementTree.tostring(root, encoding="unicode", method="html") + "\n"
