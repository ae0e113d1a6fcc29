# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of the page that are of one context."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..durations import duration
from ..kube.plan.plan import Action
from .changes import DONE, counts_text
from .document import COMPLETE, FAILED, RUNNING, STOPPED
from .gantt import picture
from .markup import Element, add, code, folded, section, table
from .rows import rows_of_context
from .words import named_figures, size

Json = Mapping[str, Any]
# How a run, or a run on one context, ended: how it is shown, and in words
OUTCOMES = {
    COMPLETE: ("well", "complete"),
    FAILED: ("bad", "failed"),
    STOPPED: ("bad", "stopped before its end"),
    RUNNING: ("doubt", "had not ended when this was written"),
}
_KEY = (
    ("work", "at work"),
    ("wait", "waiting for the cluster"),
    ("bad", "failed or interrupted"),
    ("work aside", "paler: did not hold up the end"),
)


def context_section(parent: Element, context: Json, prefix: str, critical: Mapping[str, float], run: Json) -> None:
    """Add all of one context; `prefix` makes the ids in it unique, `critical` has the steps of the critical path."""
    here = section(parent, 2, f"Context {context['host']}", f"{prefix}title")
    css, words = OUTCOMES[context["outcome"]]
    line = add(here, "p")
    add(line, "span", words, class_=f"outcome {css}")
    cluster = context["cluster"]
    if cluster:
        nodes = f"{cluster['nodes']} node" + ("" if cluster["nodes"] == 1 else "s")
        kind = f"{cluster['kind']} {cluster.get('openshift', '')}".rstrip()
        add(line, "span", f" Kubernetes {cluster['version']} ({kind}, {nodes})")
    if context["context"] not in ("", context["host"]):
        add(add(here, "p", "Context of the kubeconfig: "), "code", context["context"], dir="auto")
    _stopped(here, context)
    _addresses(here, context, prefix)
    _verification(here, context, prefix)
    _platform(here, context, prefix)
    _warnings(here, context, prefix)
    if context["steps"]:
        inner = section(here, 3, "Over time", f"{prefix}time")
        picture(inner, rows_of_context(context["steps"], critical), run["seconds"], f"{prefix}picture")
        key_of_picture(inner)
        add(inner, "p", f"It waited for the cluster for {duration(context['waited'])} in all.", class_="small")
    _releases(here, context, prefix, run["check"])
    _images(here, context, prefix)
    _commands(here, context, prefix)
    _steps(here, context, prefix)


def key_of_picture(parent: Element) -> None:
    """Add what the colours of a picture mean."""
    entries = add(parent, "ul", class_="key")
    for css, words in _KEY:
        entry = add(entries, "li")
        add(entry, "span", class_=css).tail = words


def _stopped(parent: Element, context: Json) -> None:
    stopped = context["stopped"]
    if not stopped:
        return
    box = add(parent, "div", class_="box")
    role = f" ({stopped['role']})" if stopped["role"] else ""
    add(add(box, "p"), "strong", f"It stopped after {duration(stopped['at'])} in: {stopped['name']}{role}")
    add(box, "p", stopped["why"])


def _addresses(parent: Element, context: Json, prefix: str) -> None:
    addresses = context["addresses"]
    if not addresses["how"]:
        return
    here = section(parent, 3, "Addresses", f"{prefix}addresses")
    entries = add(here, "ul")
    for url in addresses["urls"]:
        add(add(entries, "li"), "a", url, href=url)
    if not addresses["urls"]:
        here.remove(entries)
    add(here, "pre", "\n".join(addresses["how"]))


def _verification(parent: Element, context: Json, prefix: str) -> None:
    facts = context["verification"]
    if not facts:
        return
    here = section(parent, 3, "Verified", f"{prefix}facts")
    body = table(here, "What was verified by requests", ("Fact", "Holds", "What was seen"))
    words = {True: ("well", "yes"), False: ("bad", "no"), None: ("faint", "not asked")}
    for fact in sorted(facts, key=lambda fact: fact["ok"] is not False):
        row = add(body, "tr")
        add(row, "th", fact["name"], scope="row")
        css, word = words[fact["ok"]]
        add(row, "td", word, class_=f"{css} short")
        seen = add(row, "td", fact["text"])
        if fact["cause"]:
            add(seen, "p", f"Cause: {fact['cause']}")
        if fact["remedy"]:
            add(seen, "p", f"Remedy: {fact['remedy']}")
        if figures := named_figures(fact["figures"]):
            add(seen, "p", figures, class_="small faint")


def _platform(parent: Element, context: Json, prefix: str) -> None:
    rows = context["platform"]
    if not rows:
        return
    here = section(parent, 3, "Platform", f"{prefix}platform")
    body = table(
        here, "What was found out about the cluster before anything changed", ("Fact", "Value", "How it is known")
    )
    for one in rows:
        row = add(body, "tr")
        add(row, "th", one["fact"], scope="row")
        add(row, "td", one["value"])
        add(row, "td", one["how"])


def _warnings(parent: Element, context: Json, prefix: str) -> None:
    warnings = context["warnings"]
    if not warnings:
        return
    names = {step["step"]: step["name"] for step in context["steps"]}
    here = section(parent, 3, "Warnings", f"{prefix}warnings")
    for warning in warnings:
        box = add(here, "div", class_="box doubt")
        add(box, "p", warning["text"])
        if warning["remedy"]:
            add(box, "p", f"Remedy: {warning['remedy']}")
        times = f", {warning['times']} times" if warning["times"] > 1 else ""
        add(box, "p", f"{names[warning['step']]}{times}", class_="small faint")


def _releases(parent: Element, context: Json, prefix: str, check: bool) -> None:
    chosen, changes, installed = context["release_set"], context["changes"], context["releases"]
    if not (chosen or changes or installed):
        return
    here = section(parent, 3, "Releases and what changed", f"{prefix}releases")
    if chosen:
        versions = ", ".join(f"{name} {version}" for name, version in chosen["versions"].items())
        add(here, "p", f"Set {chosen['name']}: {versions}")
        for name, move in chosen["upgrades"].items():
            add(here, "p", f"Upgrade of {name}: from {move['from']} to {move['to']}")
    if installed:
        body = table(here, "Installed releases", ("Release", "Version", "Objects"), (2,))
        for release in installed:
            row = add(body, "tr")
            add(row, "th", release["name"], scope="row")
            add(row, "td", release["version"] or "-")
            add(row, "td", str(release["objects"]), class_="number")
    for change in changes:
        _change(here, change, check)


def _change(parent: Element, change: Json, check: bool) -> None:
    left = "an installation of somebody else is used as it is"
    words = left if change["left"] else counts_text(change["counts"], check)
    untouched = change["counts"].get(Action.KEEP.value, 0)
    title = f"{change['release']} {change['version']}".strip() + f": {words}"
    title += f"; {untouched} unchanged" if untouched else ""
    if not change["objects"]:
        add(parent, "p", title)
        return
    details = folded(parent, title)
    body = table(details, f"Objects of {change['release']}", ("Object", "What", "Why"))
    for item in change["objects"]:
        row = add(body, "tr")
        code(add(row, "th", scope="row"), item["object"])
        add(row, "td", "kept" if item["action"] == Action.KEEP.value else DONE.get(item["action"], item["action"]))
        add(row, "td", item["reason"])
    if change["more"]:
        add(details, "p", f"and {change['more']} more")


def _images(parent: Element, context: Json, prefix: str) -> None:
    images = context["images"]
    if not images:
        return
    here = section(parent, 3, "Images", f"{prefix}images")
    total = sum(image["size"] or 0 for image in images)
    known = f", {size(total)} in all" if total else ""
    details = folded(here, f"{len(images)} images, {sum(image['runs'] for image in images)} of them in pods{known}")
    body = table(details, "Images with where they came from", ("Image", "Size"), (1,))
    for image in images:
        row = add(body, "tr")
        name = add(row, "th", scope="row")
        code(name, image["image"])
        if image["digest"] and image["digest"] not in image["image"]:
            add(add(name, "div", class_="small faint"), "code", image["digest"])
        known = "in no pod now" if not image["runs"] else "observed" if image["observed"] else "configured"
        add(name, "div", f"from {image['from']} ({known})", class_="small")
        add(row, "td", size(image["size"]) or "?", class_="number")
    add(
        details,
        "p",
        "Observed: a node tells it. Configured: it is what the image policy says; no node tells otherwise. "
        "The size is that of config and layers for the nodes' architectures.",
        class_="small faint",
    )


def _commands(parent: Element, context: Json, prefix: str) -> None:
    told = {"Verify it": context["commands"]["verify"], "Remove it all": context["commands"]["remove"]}
    if not any(told.values()):
        return
    here = section(parent, 3, "What to do next", f"{prefix}next")
    for words, lines in told.items():
        if lines:
            add(here, "p", f"{words}:")
            add(here, "pre", "\n".join(lines))


def _steps(parent: Element, context: Json, prefix: str) -> None:
    steps = context["steps"]
    if not steps:
        return
    here = section(parent, 3, "All steps", f"{prefix}steps")
    details = folded(here, f"{len(steps)} steps of this collection's actions")
    body = table(details, "All steps", ("Step", "Began", "Took", "Ended"), (1, 2))
    for step in steps:
        row = add(body, "tr")
        name = add(row, "th", step["name"], scope="row")
        add(name, "div", " ".join(filter(None, (step["role"], step["action"]))), class_="small faint")
        add(row, "td", duration(step["start"]), class_="number")
        add(row, "td", duration(step["end"] - step["start"]), class_="number")
        add(row, "td", step["outcome"])
