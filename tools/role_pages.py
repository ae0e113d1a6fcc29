"""Write a page for each role from its argument_specs and defaults; with --check tell which pages are not so.

    python tools/role_pages.py [--check]

English pages go to docs/roles/, Chinese ones to docs/zh-CN/roles/; what the latter say in Chinese stands in
docs/zh-CN/options.yml, by role and option.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
ROLES = ROOT / "roles"
MARKER = "<!-- Written by tools/role_pages.py; change roles/{role}/meta/argument_specs.yml, then run it again. -->"
LONGEST_DEFAULT = 60
# V(value), C(code), O(option), E(variable), M(module), P(plugin#type): Ansible's semantic markup
MARKED = re.compile(r"\b[VCOEMP]\(([^()#]+)(?:#[a-z:_]+)?\)")


@dataclass(frozen=True)
class Words:
    """What a language calls the parts of a page, its folder, and its own texts by role and option."""

    folder: str
    columns: tuple[str, str, str, str]
    made: str
    required: str
    texts: Mapping[str, Mapping[str, str]]


ENGLISH = Words("docs/roles", ("option", "type", "default", "what it says"), "made of other options", "required", {})
CHINESE_COLUMNS = ("选项", "类型", "默认值", "说明")


def chinese() -> Words:
    """The words of the Chinese pages."""
    texts = yaml.safe_load((ROOT / "docs/zh-CN/options.yml").read_text(encoding="utf-8"))
    return Words("docs/zh-CN/roles", CHINESE_COLUMNS, "由其他选项得出", "必填", texts)


def pages(words: Words) -> Iterator[tuple[Path, str]]:
    """Each role's page: its file and what is in it."""
    for specs in sorted(ROLES.glob("*/meta/argument_specs.yml")):
        role = specs.parent.parent
        entries = yaml.safe_load(specs.read_text(encoding="utf-8"))["argument_specs"]
        defaults_file = role / "defaults/main.yml"
        defaults = yaml.safe_load(defaults_file.read_text(encoding="utf-8")) if defaults_file.exists() else {}
        yield ROOT / words.folder / f"{role.name}.md", page(role.name, entries, defaults or {}, words)


def page(role: str, entries: Mapping[str, Any], defaults: Mapping[str, Any], words: Words) -> str:
    """The page of a role, of all entry points together."""
    texts = words.texts.get(role, {})
    main = entries.get("main") or next(iter(entries.values()))
    options = {name: option for entry in entries.values() for name, option in (entry.get("options") or {}).items()}
    head = [MARKER.format(role=role), "", f"# {role}", "", texts.get("", sentence(main))]
    rows = [
        row(f"`{name}`", kind(option), default(name, option, defaults, words), texts.get(name, text(option)))
        for name, option in options.items()
    ]
    table = [row(*words.columns), row(*["---"] * len(words.columns)), *rows]
    return "\n".join([*head, "", *table, ""])


def sentence(entry: Mapping[str, Any]) -> str:
    """What a role does."""
    return text(entry) or f"{entry['short_description']}."


def text(part: Mapping[str, Any]) -> str:
    """A description as one paragraph."""
    described = part.get("description") or ""
    return " ".join(" ".join(described if isinstance(described, list) else [described]).split())


def kind(option: Mapping[str, Any]) -> str:
    """The type of an option, with its choices."""
    of = f" of {option['elements']}" if option.get("elements") else ""
    choices = option.get("choices")
    return ", ".join(f"`{choice}`" for choice in choices) if choices else f"{option['type']}{of}"


def default(name: str, option: Mapping[str, Any], defaults: Mapping[str, Any], words: Words) -> str:
    """The default as YAML; what is made of other options is not spelled out."""
    if option.get("required"):
        return words.required
    value = defaults.get(name, option.get("default"))
    shown = yaml.safe_dump(value, default_flow_style=True, width=1000, allow_unicode=True).removesuffix("...\n").strip()
    return words.made if "{{" in shown or len(shown) > LONGEST_DEFAULT else f"`{shown}`"


def row(*cells: str) -> str:
    """A row of a table, with Ansible's marks of names and values as code."""
    marked = [MARKED.sub(r"`\1`", cell).replace("|", "\\|") for cell in cells]
    return f"| {' | '.join(marked)} |"


def main(check: bool) -> int:
    """Write the pages, or name those that differ; 1 where one does."""
    differing = []
    for words in (ENGLISH, chinese()) if (ROOT / "docs/zh-CN/options.yml").exists() else (ENGLISH,):
        for file, wanted in pages(words):
            if file.exists() and file.read_text(encoding="utf-8") == wanted:
                continue
            differing.append(str(file.relative_to(ROOT)))
            if not check:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(wanted, encoding="utf-8")
    if differing and check:
        print(f"not as tools/role_pages.py writes them: {', '.join(differing)}")
    return int(bool(differing) and check)


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
