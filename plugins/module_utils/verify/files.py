# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts as files: JSON, and JUnit for whoever reads test reports."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree

from .facts import Fact

# Not allowed in XML 1.0, not even by its number
_NO_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NO_NAME = re.compile(r"[^A-Za-z0-9._-]+")


def write(facts: Sequence[Fact], folder: Path, context: str, form: str, started: datetime) -> list[Path]:
    """Write verify-CONTEXT.json and .xml, each whole or not at all; the folder is made. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"verify-{_NO_NAME.sub('_', context)}"
    return [
        _replaced(folder / f"{stem}.json", as_json(facts, context, form, started)),
        _replaced(folder / f"{stem}.xml", as_junit(facts, context, form, started)),
    ]


def as_json(facts: Sequence[Fact], context: str, form: str, started: datetime) -> str:
    """An object with the keys context, form, started, seconds, ok and facts."""
    document = {
        "context": context,
        "form": form,
        "started": started.isoformat(timespec="seconds"),
        "seconds": round(sum(fact.seconds for fact in facts), 3),
        "ok": all(fact.ok for fact in facts),
        "facts": [fact.as_json() for fact in facts],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def as_junit(facts: Sequence[Fact], context: str, form: str, started: datetime) -> str:
    """One suite with a case for each fact, as JUnit's XML is commonly read."""
    suite = ElementTree.Element(
        "testsuite",
        {
            "name": _text(f"verify {context}"),
            "tests": str(len(facts)),
            "failures": str(sum(not fact.ok for fact in facts)),
            "skipped": str(sum(fact.skipped for fact in facts)),
            "errors": "0",
            "time": f"{sum(fact.seconds for fact in facts):.3f}",
            "timestamp": started.isoformat(timespec="seconds"),
        },
    )
    for fact in facts:
        case = ElementTree.SubElement(
            suite,
            "testcase",
            {"classname": f"verify.{form}", "name": fact.name, "time": f"{fact.seconds:.3f}"},
        )
        if fact.skipped:
            ElementTree.SubElement(case, "skipped", {"message": _text(fact.text)})
        elif not fact.ok:
            failure = ElementTree.SubElement(case, "failure", {"message": _text(fact.cause)})
            failure.text = _text(f"{fact.text}\ncause: {fact.cause}\nremedy: {fact.remedy}")
        ElementTree.SubElement(case, "system-out").text = _text(fact.text)
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _text(text: str) -> str:
    return _NO_XML.sub("?", text)


def _replaced(path: Path, content: str) -> Path:
    """Write beside it and rename: a reader meets the old file or the new one."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(content)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(name, 0o666 & ~mask)
        os.replace(name, path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
    return path
