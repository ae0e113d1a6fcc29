# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a run as one HTML file, out of the document and nothing else: no script, no font, no other host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..durations import duration
from .changes import counts_text, together
from .critical_path import Link, seconds_by
from .gantt import picture
from .markup import Element, add, document, folded, section, table
from .rows import part_of, rows_of_run
from .sections import OUTCOMES, context_section, key_of_picture
from .style import style_sheet
from .words import moment, share

Json = Mapping[str, Any]
# A browser that is told so asks nobody for anything
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
_SOFTWARE = {"collection": "selfhosted.serverless", "ansible_core": "ansible-core", "python": "Python"}
_LONGEST = 8  # steps that are told by themselves
_LEAST_SHARE = 0.01  # of the run's time; parts below that are told together


def page(report: Json) -> str:
    """Return the page of a report, as document.build makes it."""
    run, contexts = report["run"], report["contexts"]
    names = ", ".join(context["host"] for context in contexts)
    root = Element("html", {"lang": "en"})
    head = add(root, "head")
    add(head, "meta", charset="utf-8")
    add(head, "meta", http_equiv="Content-Security-Policy", content=_POLICY)
    add(head, "meta", name="viewport", content="width=device-width, initial-scale=1")
    add(head, "link", rel="icon", href="data:,")
    add(head, "title", f"Run on {names}: {OUTCOMES[run['outcome']][1]}")
    add(head, "style", style_sheet())
    body = add(root, "body")
    _header(body, run, contexts, names)
    main = add(body, "main")
    _time(main, run, contexts)
    critical = {link["step"]: link["alone"] for link in run["critical_path"]}
    for number, context in enumerate(contexts, 1):
        context_section(main, context, f"c{number}-", critical, run)
    software = run["software"]
    told = [f"{word} {software[key]}" for key, word in _SOFTWARE.items() if software[key]]
    footer = add(body, "footer")
    add(footer, "p", f"Written {moment(run['written'])} by {', '.join(told)}.", class_="small")
    return document(root)


def _header(body: Element, run: Json, contexts: list[Json], names: str) -> None:
    header = add(body, "header")
    css, words = OUTCOMES[run["outcome"]]
    add(header, "h1", f"Run on {names}")
    line = add(header, "p")
    add(line, "span", words, class_=f"outcome {css}")
    facts = [fact for context in contexts for fact in context["verification"] if fact["ok"] is not None]
    wrong = sum(not fact["ok"] for fact in facts)
    figures = add(header, "dl", class_="figures")
    rows = {
        "Play": run["play"] + (" (check mode: nothing was changed)" if run["check"] else ""),
        "Began": moment(run["started"]),
        "Took": duration(run["seconds"]),
        "Objects": counts_text(together(contexts), run["check"]),
        "Verified": f"{len(facts) - wrong} of {len(facts)} facts hold" if facts else "",
    }
    for name, text in rows.items():
        if text:
            add(figures, "dt", name)
            add(figures, "dd", text, **({"class_": "bad"} if name == "Verified" and wrong else {}))
    if len(contexts) > 1:
        _list_of_contexts(header, contexts, run["check"])


def _list_of_contexts(parent: Element, contexts: list[Json], check: bool) -> None:
    body = table(parent, "The contexts of this run", ("Context", "Outcome", "Objects"))
    for number, context in enumerate(contexts, 1):
        css, words = OUTCOMES[context["outcome"]]
        row = add(body, "tr")
        add(add(row, "th", scope="row"), "a", context["host"], href=f"#c{number}-title")
        add(row, "td", words, class_=css)
        add(row, "td", counts_text(context["counts"], check))


def _time(main: Element, run: Json, contexts: list[Json]) -> None:
    """What held up the end; over several contexts the picture of all, too."""
    several = len(contexts) > 1
    steps = {step["step"]: (context["host"], step) for context in contexts for step in context["steps"]}
    if not steps:
        return
    here = section(main, 2, "What took the time", "time")
    if several:
        picture(here, rows_of_run(contexts, {link["step"] for link in run["critical_path"]}), run["seconds"], "all")
        key_of_picture(here)
    links = [
        Link(link["step"], link["start"], link["end"], link["alone"], link["idle"]) for link in run["critical_path"]
    ]
    before = {key: f"{host}: " if several else "" for key, (host, _step) in steps.items()}
    add(here, "p", "The chain of steps that determined the end, by the role that they are of:")
    parts = seconds_by(links, {key: before[key] + part_of(step) for key, (_host, step) in steps.items()})
    _parts(here, parts, sum(link.idle for link in links), run["seconds"])
    _longest(here, links, {key: before[key] + step["name"] for key, (_host, step) in steps.items()})


def _parts(parent: Element, parts: Mapping[str, float], between: float, whole: float) -> None:
    """The seconds of each part, the longest first; short ones and those between the steps at the end."""
    shown = {name: seconds for name, seconds in parts.items() if seconds >= _LEAST_SHARE * whole}
    rest = sum(parts.values()) - sum(shown.values())
    lines = sorted(shown.items(), key=lambda item: -item[1])
    lines += [("shorter parts", rest)] if rest >= 0.005 else []
    body = table(parent, "What held up the end of the run", ("Part", "Time", "Share"), (1, 2))
    for name, seconds in [*lines, ("between the steps", between)]:
        row = add(body, "tr")
        add(row, "th", name, scope="row")
        add(row, "td", duration(seconds), class_="number")
        add(row, "td", share(seconds, whole), class_="number")


def _longest(parent: Element, links: list[Link], names: Mapping[str, str]) -> None:
    details = folded(parent, "The longest steps of the chain")
    body = table(details, "The longest steps of the chain", ("Step", "Alone", "From"), (1, 2))
    for link in sorted(links, key=lambda link: -link.alone)[:_LONGEST]:
        row = add(body, "tr")
        add(row, "th", names[link.name], scope="row")
        add(row, "td", duration(link.alone), class_="number")
        add(row, "td", duration(link.start), class_="number")
