# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the page of a report looks, in light and in dark; colours and sizes are those of the plots."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..drills.plot.style import DARK, FONT_SIZE, LIGHT

_NAMES = ("paper", "text", "faint", "grid", "fine", "bad")
# Of the series' colours: what is work, what is well, and what is waiting
_WORK, _WELL, _WAIT = 0, 1, 3

_SHAPE = f"""
*{{box-sizing:border-box}}
html{{color-scheme:light dark;-webkit-text-size-adjust:100%}}
body{{margin:0;background:var(--paper);color:var(--text);font:16px/1.5 system-ui,sans-serif;overflow-wrap:break-word}}
main,header,footer{{max-width:60rem;margin:0 auto;padding:0 1rem}}
header{{padding-top:1.5rem}}
footer{{padding-bottom:2rem;color:var(--faint)}}
h1{{font-size:1.6rem;line-height:1.25;margin:0 0 .5rem}}
h2{{font-size:1.3rem;line-height:1.3;margin:2.5rem 0 .5rem;padding-top:1rem;border-top:1px solid var(--grid)}}
h3{{font-size:1.05rem;margin:1.75rem 0 .4rem}}
p,ul,ol,dl{{margin:.4rem 0}}
ul,ol{{padding-left:1.3rem}}
a{{color:var(--work)}}
code,pre{{font-family:ui-monospace,monospace;font-size:.875em;overflow-wrap:anywhere}}
pre{{white-space:pre-wrap;background:var(--fine);padding:.6rem .8rem;margin:.4rem 0;border-radius:.4rem}}
table{{width:100%;border-collapse:collapse;font-size:.9rem}}
th,td{{text-align:left;vertical-align:top;padding:.35rem .6rem .35rem 0;border-bottom:1px solid var(--grid)}}
td,p,li,dd{{overflow-wrap:anywhere}}
th{{font-weight:600;color:var(--faint)}}
tbody th{{color:inherit;overflow-wrap:anywhere;min-width:7rem}}
th:last-child,td:last-child{{padding-right:0}}
.number,.short{{white-space:nowrap;overflow-wrap:normal}}
.number{{text-align:right}}
.faint{{color:var(--faint)}}
.small{{font-size:.85em}}
th .small,th code{{font-weight:400}}
.unseen{{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}}
.outcome{{display:inline-block;font-weight:600;padding:.05rem .6rem;border:2px solid;border-radius:1rem}}
.well{{color:var(--well)}}
.bad{{color:var(--bad)}}
.doubt{{color:var(--wait)}}
.box{{border-left:4px solid var(--bad);background:var(--fine);padding:.5rem .9rem;margin:.8rem 0}}
.box.doubt{{border-color:var(--wait);color:inherit}}
.box p{{white-space:pre-line}}
details{{margin:.3rem 0}}
summary{{cursor:pointer;padding:.25rem 0}}
summary:focus-visible,a:focus-visible{{outline:3px solid var(--work);outline-offset:2px}}
.figures{{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem}}
.figures dt{{color:var(--faint)}}
.figures dd{{margin:0}}
svg{{display:block;width:100%;height:auto;max-width:57.5rem}}
svg text{{fill:var(--text);font-family:system-ui,sans-serif;font-size:{FONT_SIZE}px}}
svg .paper{{fill:none}}
svg .part{{font-weight:600}}
svg text.inner,svg text.faint{{fill:var(--faint)}}
svg .grid{{stroke:var(--grid)}}
svg .axis{{stroke:var(--faint)}}
svg .work,.key .work{{fill:var(--work);background:var(--work)}}
svg .wait,.key .wait{{fill:var(--wait);background:var(--wait)}}
svg .bad,.key .bad{{fill:var(--bad);background:var(--bad)}}
svg .aside,.key .aside{{opacity:.4}}
.key{{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;list-style:none;padding:0;font-size:.85rem}}
.key span{{display:inline-block;width:1.4rem;height:.7rem;margin-right:.4rem}}
.wide{{display:none}}
@media(min-width:46rem){{
.wide{{display:block}}
.narrow{{display:none}}
}}
@media(max-width:30rem){{
th,td{{padding-right:.4rem}}
.figures{{grid-template-columns:1fr}}
.figures dd{{margin-bottom:.4rem}}
}}
@media print{{
details::details-content{{content-visibility:visible;height:auto}}
}}
"""


def style_sheet() -> str:
    """Return the CSS of the page."""
    dark = f"@media(prefers-color-scheme:dark){{:root{{{_colours(DARK)}}}}}"
    return f"\n:root{{{_colours(LIGHT)}}}\n{dark}{_SHAPE}"


def _colours(palette: Mapping[str, Any]) -> str:
    series = palette["series"]
    chosen = {name: palette[name] for name in _NAMES}
    chosen |= {"work": series[_WORK], "well": series[_WELL], "wait": series[_WAIT]}
    return ";".join(f"--{name}:{colour}" for name, colour in chosen.items())
