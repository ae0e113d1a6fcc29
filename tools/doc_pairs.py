"""Compare each English page with its Chinese twin, and name every difference.

    python tools/doc_pairs.py [PAGE...]     # English pages, all by default

Of two twins these are the same: the levels of the headings in their order, the rows and columns of the tables, the code
blocks but for comments, and where links and images lead, a page that has a twin counting as its twin. A link to a file
that is not there, or to a heading that its page has not, is an error in either language.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from posixpath import dirname, join, normpath
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parent.parent
# Pages without a twin, each with the reason
ALONE = {
    "docs/acceptance.md": "a record of results, written by a program",
    "docs/conformance.md": "a record of results, written by a program",
}
README, CHINESE_README = "README.md", "README.zh-CN.md"
CHINESE = "docs/zh-CN"
_ELSEWHERE = re.compile(r"[a-z]+:|//")
_HTML_TARGET = re.compile(r"""\b(?:src|href)=["']([^"']+)["']""")
_COMMENT = re.compile(r"(^|\s+)#(\s.*)?$")
_NOT_IN_ANCHORS = re.compile(r"[^\w\- ]")


@dataclass
class Page:
    """What is compared of a page. Headings are (level, text), tables (rows, columns), targets as they are written."""

    headings: list[tuple[int, str]] = field(default_factory=list)
    tables: list[tuple[int, int]] = field(default_factory=list)
    blocks: list[str] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)

    def anchors(self) -> set[str]:
        """The names that GitHub gives to the headings."""
        seen: Counter[str] = Counter()
        found = set()
        for _level, text in self.headings:
            name = _NOT_IN_ANCHORS.sub("", text.lower()).replace(" ", "-")
            found.add(f"{name}-{seen[name]}" if seen[name] else name)
            seen[name] += 1
        return found


def parsed(text: str) -> Page:
    """Read a page: CommonMark with tables."""
    page, rows, cells = Page(), 0, 0
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    for index, token in enumerate(tokens):
        page.targets += _targets(token)
        if token.type == "heading_open":
            page.headings.append((int(token.tag[1]), _plain(tokens[index + 1])))
        elif token.type in ("fence", "code_block"):
            page.blocks.append(without_comments(token.content))
        elif token.type == "table_open":
            rows = cells = 0
        elif token.type == "tr_open":
            rows += 1
        elif token.type in ("th_open", "td_open"):
            cells += 1
        elif token.type == "table_close":
            page.tables.append((rows, cells // rows))
    return page


def without_comments(code: str) -> str:
    """The code without comments, and without lines that are nothing else."""
    lines = (_COMMENT.sub("", line).rstrip() for line in code.splitlines())
    return "\n".join(filter(None, lines))


def english_pages(root: Path) -> list[str]:
    """The paths of the pages that should have a twin."""
    pages = sorted(path.relative_to(root).as_posix() for path in (root / "docs").rglob("*.md"))
    return [README, *(page for page in pages if not page.startswith(f"{CHINESE}/") and page not in ALONE)]


def twin(page: str) -> str:
    """The path of an English page's twin."""
    return CHINESE_README if page == README else f"{CHINESE}/{page.removeprefix('docs/')}"


def differences(root: Path, name: str) -> Iterator[str]:
    """Say in what a page and its twin differ, and which links of either lead nowhere."""
    other = twin(name)
    if not (root / other).exists():
        yield f"{name}: there is no {other}"
        return
    english, chinese = (parsed((root / path).read_text(encoding="utf-8")) for path in (name, other))
    levels = [[level for level, _text in page.headings] for page in (english, chinese)]
    different = first_difference(*levels)
    if different is not None:
        shown = (_heading(page, different) for page in (english, chinese))
        yield f"{other}: heading {different + 1} is not of the same level: {' and '.join(shown)}"
    different = first_difference(english.tables, chinese.tables)
    if different is not None:
        shown = (_table(page, different) for page in (english, chinese))
        yield f"{other}: table {different + 1} is not of the same size: {' and '.join(shown)}"
    different = first_difference(english.blocks, chinese.blocks)
    if different is not None:
        yield f"{other}: code block {different + 1} is not the same: {_lines(english, chinese, different)}"
    yield from _dead_links(root, name, english)
    yield from _dead_links(root, other, chinese)
    pages = english_pages(root)
    wanted = Counter(_in_chinese(_resolved(name, target)[0], pages) for target in english.targets)
    found = Counter(_resolved(other, target)[0] for target in chinese.targets)
    for target in sorted(wanted - found):
        yield f"{other}: lacks a link to {target}"
    for target in sorted(found - wanted):
        yield f"{other}: has a link to {target}, which {name} has not"


def orphans(root: Path) -> Iterator[str]:
    """Name the Chinese pages of which there is no English one."""
    wanted = {twin(page) for page in english_pages(root)}
    for path in sorted((root / CHINESE).rglob("*.md")):
        page = path.relative_to(root).as_posix()
        if page not in wanted:
            yield f"{page}: there is no English page of which it is the twin"


def first_difference(first: Sequence[object], second: Sequence[object]) -> int | None:
    """The index from which two lists differ, or None."""
    if first == second:
        return None
    pairs = zip(first, second, strict=False)
    return next((index for index, (one, other) in enumerate(pairs) if one != other), min(len(first), len(second)))


def _dead_links(root: Path, name: str, page: Page) -> Iterator[str]:
    """Name the links of a page to files and headings that are not there."""
    for target in page.targets:
        path, anchor = _resolved(name, target)
        if _ELSEWHERE.match(path):
            continue
        if not (root / path).exists():
            yield f"{name}: links to {path}, which is not there"
        elif anchor and anchor not in parsed((root / path).read_text(encoding="utf-8")).anchors():
            yield f"{name}: links to {path}#{anchor}, a heading that is not there"


def _resolved(name: str, target: str) -> tuple[str, str]:
    """Where a link of a page leads: the path from the root, or the whole address of another site, and the heading."""
    if _ELSEWHERE.match(target):
        return target, ""
    path, _separator, anchor = target.partition("#")
    return normpath(join(dirname(name), unquote(path))) if path else name, unquote(anchor)


def _in_chinese(path: str, pages: Sequence[str]) -> str:
    """Where the twin's link leads: to the twin of a page or folder of pages, and README.md's link to its twin back."""
    if path == CHINESE_README:
        return README
    return twin(path) if path in pages or any(page.startswith(f"{path}/") for page in pages) else path


def _targets(token: Token) -> Iterator[str]:
    """The targets of the links and images in a token."""
    for part in token.children or ():
        yield from _targets(part)
    if token.type in ("link_open", "image"):
        yield str(token.attrs.get("href") or token.attrs.get("src") or "")
    elif token.type in ("html_block", "html_inline"):
        yield from _HTML_TARGET.findall(token.content)


def _plain(token: Token) -> str:
    """The text of a heading without its marks."""
    return "".join(part.content for part in token.children or () if part.type in ("text", "code_inline"))


def _heading(page: Page, index: int) -> str:
    if index >= len(page.headings):
        return "none"
    level, text = page.headings[index]
    return f"{'#' * level} {text}"


def _table(page: Page, index: int) -> str:
    return "{} x {}".format(*page.tables[index]) if index < len(page.tables) else "none"


def _lines(first: Page, second: Page, index: int) -> str:
    """The first line in which a code block differs, of both."""
    both = [page.blocks[index].splitlines() if index < len(page.blocks) else [] for page in (first, second)]
    line = first_difference(*both) or 0
    return " and ".join(repr(block[line]) if line < len(block) else "nothing" for block in both)


def main(names: Sequence[str]) -> int:
    """Compare the pages named, by default all; 1 where something differs."""
    pages = english_pages(ROOT)
    unknown = [name for name in names if name not in pages]
    if unknown:
        print(f"error: no English page with a twin is called {', '.join(unknown)}", file=sys.stderr)
        return 2
    found = [line for name in names or pages for line in differences(ROOT, name)]
    found += [] if names else list(orphans(ROOT))
    print("\n".join(found or [f"{len(names or pages)} pages are as their twins"]))
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
