# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small SVG document, built as a tree so that it is well-formed whatever the texts hold."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree import ElementTree

from .style import style_sheet

NAMESPACE = "http://www.w3.org/2000/svg"


class Document:
    """An SVG of `width` by `height` pixels with a title and a description for those who do not see it.

    In a page with several, each has a `name`, with which its ids begin, and no style `sheet` of its own: one in an SVG
    counts for the whole page.
    """

    def __init__(
        self, width: float, height: float, title: str, description: str, name: str = "", sheet: str | None = None
    ) -> None:
        self.width, self.height = width, height
        self.root = ElementTree.Element(
            "svg",
            {
                "xmlns": NAMESPACE,
                "viewBox": f"0 0 {number(width)} {number(height)}",
                "width": number(width),
                "height": number(height),
                "role": "img",
                "aria-labelledby": f"{name}title {name}description",
            },
        )
        ElementTree.SubElement(self.root, "title", {"id": f"{name}title"}).text = title
        ElementTree.SubElement(self.root, "desc", {"id": f"{name}description"}).text = description
        if sheet != "":
            ElementTree.SubElement(self.root, "style").text = sheet or style_sheet()
        self.add("rect", "paper", x=0, y=0, width=width, height=height)

    def add(self, tag: str, css: str, **attributes: float | str) -> ElementTree.Element:
        """An element of a class; numbers are written short, and an underscore stands for a hyphen."""
        values = {
            key.replace("_", "-"): number(value) if isinstance(value, int | float) else value
            for key, value in attributes.items()
        }
        return ElementTree.SubElement(self.root, tag, {"class": css, **values})

    def line(self, css: str, x1: float, y1: float, x2: float, y2: float) -> None:
        self.add("line", css, x1=x1, y1=y1, x2=x2, y2=y2)

    def text(self, css: str, x: float, y: float, words: str, anchor: str = "start", turned: bool = False) -> None:
        """Words at a place; turned ones run upwards."""
        more = {"transform": f"rotate(-90 {number(x)} {number(y)})"} if turned else {}
        self.add("text", css, x=x, y=y, text_anchor=anchor, **more).text = words

    def path(self, css: str, parts: Iterable[str]) -> None:
        """A path of commands; none at all is left out."""
        commands = "".join(parts)
        if commands:
            self.add("path", css, d=commands)

    def __str__(self) -> str:
        ElementTree.indent(self.root)
        return ElementTree.tostring(self.root, encoding="unicode") + "\n"


def number(value: float) -> str:
    """A coordinate to a tenth of a pixel: '12', '12.3'."""
    return f"{value:.1f}".removesuffix(".0")
