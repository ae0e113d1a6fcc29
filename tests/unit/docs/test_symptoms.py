"""The messages by which docs/troubleshooting.md heads its parts are those that the collection prints."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache

import pytest
from doc_pairs import ROOT
from markdown_it import MarkdownIt

PAGE = ROOT / "docs" / "troubleshooting.md"
# What others print
OTHERS = {
    "leaves us with no hosts to target": "Ansible",
    "forbidden": "Kubernetes",
    "ImagePullBackOff": "Kubernetes",
    "ErrImagePull": "Kubernetes",
    "Pending": "Kubernetes",
    "CrashLoopBackOff": "Kubernetes",
    "failed calling webhook": "Kubernetes",
    "context deadline exceeded": "Kubernetes",
    "admission webhook ... denied": "Kubernetes",
    "violates PodSecurity": "Kubernetes",
    "Terminating": "Kubernetes",
    "<unknown>": "Kubernetes",
    "Metrics API not available": "kubectl",
}
# What stands for a value in a heading
VALUE = re.compile(r"\.\.\.|\b[NMX]\b")


def messages(text: str) -> Iterator[str]:
    """The code in a page's headings of the third level."""
    tokens = MarkdownIt("commonmark").parse(text)
    for opened, inline in zip(tokens, tokens[1:], strict=False):
        if opened.type == "heading_open" and opened.tag == "h3":
            yield from (part.content for part in inline.children or () if part.type == "code_inline")


@cache
def printed() -> str:
    """All texts of the plugins, one a line; `\\0` stands for a value in them."""
    files = list((ROOT / "plugins").rglob("*.py"))
    return "\n".join(text for path in files for text in _texts(ast.parse(path.read_text(encoding="utf-8"))))


def _texts(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "\0" for part in node.values)


def is_printed(message: str) -> bool:
    """Whether a text of the plugins has the message, any value in the place of those that stand for one."""
    parts = [re.escape(part.strip(" '")) for part in VALUE.split(message)]
    return bool(re.search(r"[^\n]*?".join(part for part in parts if part), printed()))


@pytest.mark.parametrize("message", [one for one in messages(PAGE.read_text(encoding="utf-8")) if one not in OTHERS])
def test_a_message_is_printed(message: str) -> None:
    assert is_printed(message)


def test_another_one_is_not() -> None:
    assert not is_printed("no useful answer from https://...")
    assert not is_printed("N of M images cannot be found; nothing was changed")


def test_all_that_others_print_heads_a_part() -> None:
    assert set(OTHERS) <= set(messages(PAGE.read_text(encoding="utf-8")))
