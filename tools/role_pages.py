"""Write a page for each role from its argument_specs and defaults; with --check tell which pages are not so.

    python tools/role_pages.py [--check]

English pages go to docs/roles/, Chinese ones to docs/zh-CN/roles/. What these say stands in docs/zh-CN/options.yml:

    ROLE:
      role: {en: "1f2e3d4c", zh: ...}             # what the role does
      OPTION: {en: "5b6a7988", zh: [..., ...]}    # a list is sentences, put together without blanks

`en` is the digest of the English text that was translated. A text that is missing or superfluous, or whose English has
changed since, is named together with the digest to write, and the exit code is 1, with --check and without.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
ROLES = ROOT / "roles"
CHINESE_TEXTS = ROOT / "docs/zh-CN/options.yml"
WHOLE_ROLE = "role"  # the key of the text about a role itself; no option is called so, each begins with its role's name
LONGEST_DEFAULT = 60
# V(value), C(code), O(option), E(variable), M(module), P(plugin#type): Ansible's semantic markup
MARKED = re.compile(r"\b[VCOEMP]\(([^()#]+)(?:#[a-z:_]+)?\)")

Texts = Mapping[str, Mapping[str, Mapping[str, Any]]]  # by role and option: en, the digest, and zh, the text


@dataclass(frozen=True)
class Words:
    """What a language calls the parts of a page, its folder, and its own texts by role and option."""

    folder: str
    marker: str
    columns: tuple[str, str, str, str]
    elements: str
    made: str
    required: str
    texts: Texts


ENGLISH = Words(
    folder="docs/roles",
    marker="Written by tools/role_pages.py; change roles/{role}/meta/argument_specs.yml, then run it again.",
    columns=("option", "type", "default", "what it says"),
    elements=" of {}",
    made="made of other options",
    required="required",
    texts={},
)


def chinese(texts: Texts) -> Words:
    """The words of the Chinese pages."""
    return Words(
        folder="docs/zh-CN/roles",
        marker="Written by tools/role_pages.py; change docs/zh-CN/options.yml, then run it again.",
        columns=("选项", "类型", "默认值", "说明"),
        elements="（{}）",
        made="由其他选项得出",
        required="必填",
        texts=texts,
    )


@dataclass(frozen=True)
class Role:
    """A role's options, with what is said of each and of the role itself, in English."""

    name: str
    about: str
    options: Mapping[str, Mapping[str, Any]]
    defaults: Mapping[str, Any]

    def texts(self) -> dict[str, str]:
        """What is to be translated: the text of the role, and that of each option."""
        return {WHOLE_ROLE: self.about} | {name: text(option) for name, option in self.options.items()}


def roles() -> Iterator[Role]:
    """Each role that documents its options, with those of all its entry points."""
    for specs in sorted(ROLES.glob("*/meta/argument_specs.yml")):
        folder = specs.parent.parent
        entries = yaml.safe_load(specs.read_text(encoding="utf-8"))["argument_specs"]
        defaults_file = folder / "defaults/main.yml"
        defaults = yaml.safe_load(defaults_file.read_text(encoding="utf-8")) if defaults_file.exists() else {}
        main_entry = entries.get("main") or next(iter(entries.values()), {})
        options = {name: option for entry in entries.values() for name, option in (entry.get("options") or {}).items()}
        yield Role(folder.name, sentence(main_entry), options, defaults or {})


def digest(english: str) -> str:
    """The first 8 hexadecimal digits of a text's SHA-256: enough to notice a change."""
    return hashlib.sha256(english.encode()).hexdigest()[:8]


def untranslated(found: Mapping[str, Role], texts: Texts) -> Iterator[str]:
    """What is wrong with the Chinese texts: one line each, with what to write."""
    for name, role in found.items():
        have = texts.get(name, {})
        for key, english in role.texts().items():
            entry = have.get(key)
            if entry is None:
                yield f'{name}: {key} has no text; write en: "{digest(english)}" and, in Chinese, zh: {english}'
            elif entry.get("en") != digest(english):
                yield f'{name}: {key} has another English text now; write en: "{digest(english)}" and in zh: {english}'
            elif not joined(entry.get("zh")):
                yield f"{name}: {key} has an empty zh; write in Chinese: {english}"
        for key in have.keys() - role.texts().keys():
            yield f"{name}: {key} is no option of the role; remove its text"
    for name in texts.keys() - found.keys():
        yield f"{name}: there is no such role; remove its texts"


def joined(chinese_text: str | list[str] | None) -> str:
    """A Chinese text in one piece: its sentences are not parted by blanks."""
    return chinese_text if isinstance(chinese_text, str) else "".join(chinese_text or [])


def pages(found: Mapping[str, Role], words: Words) -> Iterator[tuple[Path, str]]:
    """Each role's page: its file and what is in it."""
    for role in found.values():
        yield ROOT / words.folder / f"{role.name}.md", page(role, words)


def page(role: Role, words: Words) -> str:
    """The page of a role, of all entry points together."""
    own = {key: joined(entry.get("zh")) for key, entry in words.texts.get(role.name, {}).items()}
    said = {key: own.get(key) or english for key, english in role.texts().items()}
    rows = [
        row(f"`{name}`", kind(option, words), default(name, option, role.defaults, words), said[name])
        for name, option in role.options.items()
    ]
    head = [f"<!-- {words.marker.format(role=role.name)} -->", "", f"# {role.name}", "", marked(said[WHOLE_ROLE])]
    return "\n".join([*head, "", row(*words.columns), row(*["---"] * len(words.columns)), *rows, ""])


def sentence(entry: Mapping[str, Any]) -> str:
    """What a role does."""
    return text(entry) or f"{entry['short_description']}."


def text(part: Mapping[str, Any]) -> str:
    """A description as one paragraph."""
    described = part.get("description") or ""
    return " ".join(" ".join(described if isinstance(described, list) else [described]).split())


def kind(option: Mapping[str, Any], words: Words) -> str:
    """The type of an option, with its choices."""
    of = words.elements.format(option["elements"]) if option.get("elements") else ""
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
    """A row of a table."""
    return f"| {' | '.join(marked(cell).replace('|', chr(92) + '|') for cell in cells)} |"


def marked(said: str) -> str:
    """A text with Ansible's marks of names and values as code."""
    return MARKED.sub(r"`\1`", said)


def main(check: bool) -> int:
    """Write the pages, or name those that differ; 1 where one does, or where a Chinese text is not as it must be."""
    found = {role.name: role for role in roles()}
    texts = yaml.safe_load(CHINESE_TEXTS.read_text(encoding="utf-8"))
    faults = list(untranslated(found, texts))
    differing = []
    for file, wanted in [*pages(found, ENGLISH), *pages(found, chinese(texts))]:
        if file.exists() and file.read_text(encoding="utf-8") == wanted:
            continue
        differing.append(str(file.relative_to(ROOT)))
        if not check:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(wanted, encoding="utf-8")
    if faults:
        print(f"{CHINESE_TEXTS.relative_to(ROOT)}:", *faults, sep="\n  ")
    if differing and check:
        print(f"not as tools/role_pages.py writes them: {', '.join(differing)}")
    return int(bool(faults) or (bool(differing) and check))


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
