# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the plot looks, in light and in dark. Colours are those of Okabe and Ito, told apart with any colour vision."""

from __future__ import annotations

FONT_SIZE = 12
LETTER = 6.4  # mean width of a letter at that size, in pixels; for placing labels without a font at hand
SERIES = 4  # how many series have a colour of their own

LIGHT = {
    "paper": "#ffffff",
    "text": "#1f2328",
    "faint": "#656d76",
    "grid": "#d8dee4",
    "fine": "#eef1f4",
    "dots": "#6e7781",
    "median": "#b35900",
    "bad": "#cf222e",
    "series": ("#0072b2", "#00785a", "#a83d7d", "#8a6d00"),
}
DARK = {
    "paper": "#0d1117",
    "text": "#e6edf3",
    "faint": "#9198a1",
    "grid": "#30363d",
    "fine": "#1c2128",
    "dots": "#c9d1d9",
    "median": "#e69f00",
    "bad": "#ff7b72",
    "series": ("#56b4e9", "#2fc59a", "#e08bbd", "#f0e442"),
}


def _rules(colours: dict) -> str:
    lines = [
        f".paper{{fill:{colours['paper']}}}",
        f"text{{fill:{colours['text']}}}",
        f".faint{{fill:{colours['faint']}}}",
        f".grid{{stroke:{colours['grid']}}}",
        f".fine{{stroke:{colours['fine']}}}",
        f".axis{{stroke:{colours['faint']}}}",
        f".event{{stroke:{colours['faint']}}}",
        f".dots{{stroke:{colours['dots']}}}",
        f".median{{stroke:{colours['median']}}}",
        f".bad{{stroke:{colours['bad']}}}",
        f".badtext{{fill:{colours['bad']}}}",
        f".node{{fill:{colours['fine']};stroke:{colours['series'][0]}}}",
        f".edge{{stroke:{colours['dots']}}}",
        f".tip{{fill:{colours['dots']}}}",
        f".halo{{stroke:{colours['paper']}}}",
    ]
    lines += [f".s{number}{{stroke:{colour}}}" for number, colour in enumerate(colours["series"])]
    lines += [f".f{number}{{fill:{colour}}}" for number, colour in enumerate(colours["series"])]
    return "".join(lines)


def style_sheet() -> str:
    """CSS for the document: what is the same in both, light, and dark where the reader prefers it."""
    shape = (
        f"text{{font-family:system-ui,sans-serif;font-size:{FONT_SIZE}px}}"
        ".title{font-size:15px;font-weight:600}"
        "path,line{fill:none}"
        ".grid,.fine,.axis{stroke-width:1}"
        ".event{stroke-width:1;stroke-dasharray:4 3}"
        ".steps{stroke-width:2.5;stroke-linejoin:round}"
        ".present{stroke-width:1.5;stroke-dasharray:2 3}"
        ".dots{stroke-width:3;stroke-linecap:round;stroke-opacity:.55}"
        ".few{stroke-width:5;stroke-opacity:.7}"
        ".median{stroke-width:2}"
        ".bad{stroke-width:2}"
        ".node,.edge{stroke-width:1.5}"
        ".dashed{stroke-dasharray:6 3}"
        ".dotted{stroke-dasharray:2 3}"
        ".halo{stroke-width:4;paint-order:stroke;font-weight:600}"
    )
    return f"{shape}{_rules(LIGHT)}@media(prefers-color-scheme:dark){{{_rules(DARK)}}}"
