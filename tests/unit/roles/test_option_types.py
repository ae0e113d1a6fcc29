"""A role's specs check the type of an option but leave the variable as it is: by `-e` it is text, and 'false' is true.

So wherever an option that is a boolean or a number is used in an expression, it is converted there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
ROLES = sorted(path.parent.parent.name for path in ROOT.glob("roles/*/meta/argument_specs.yml"))
FOLDERS = ("tasks", "vars", "templates", "defaults")


def typed_options() -> dict[str, str]:
    found = {}
    for specs in ROOT.glob("roles/*/meta/argument_specs.yml"):
        for entry in yaml.safe_load(specs.read_text())["argument_specs"].values():
            found |= {name: option["type"] for name, option in (entry.get("options") or {}).items()}
    return {name: kind for name, kind in found.items() if kind in ("bool", "int", "float")}


def unconverted(line: str, name: str, kind: str, is_task: bool) -> bool:
    """Whether a line uses the option as it came."""
    use = rf"(?<![\w.']){name}\b(?![:'])"  # in quotes it is a key
    if line.lstrip().startswith("#") or not re.search(use, line):
        return False
    if is_task and re.fullmatch(rf'\s+(- )?\w+: "{{{{ {name} }}}}"', line):
        return False  # a module converts what it is given alone
    text = expressions(line)
    if kind != "bool":  # of a number the text is the same
        text = re.sub(rf"{{{{ {name}( \| string)?( \| to_json)? }}}}", "", text)
    return bool(re.search(rf"{use}(?!\s*\|\s*(bool|int|float|string)\b)", text))


def expressions(line: str) -> str:
    """The line without text around its expressions, where it is text with expressions in it."""
    found = re.findall(r"{{.*?}}|{%.*?%}", line)
    return " ".join(found) if found else line


def lines_of(role: str) -> Iterator[tuple[Path, int, str]]:
    for folder in FOLDERS:
        for file in sorted((ROOT / "roles" / role / folder).rglob("*")):
            if file.is_file():
                for number, line in enumerate(file.read_text().splitlines(), 1):
                    yield file, number, line


@pytest.mark.parametrize("role", ROLES)
def test_booleans_and_numbers_are_converted_where_they_are_used(role: str) -> None:
    options = typed_options()
    found = [
        f"{file.relative_to(ROOT)}:{number}: {name} needs | {kind}: {line.strip()}"
        for file, number, line in lines_of(role)
        for name, kind in options.items()
        if unconverted(line, name, kind, file.parent.name == "tasks")
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("line", "kind", "wrong"),
    [
        ("  when: a_b", "bool", True),
        ("  when: not a_b", "bool", True),
        ("  when: a_b | bool", "bool", False),
        ("    - a_b", "bool", True),
        ("  when: a_b and c", "bool", True),
        ('x: "{{ 1 if a_b else 2 }}"', "bool", True),
        ("{% for b in c | map(attribute='a_b') %}", "bool", False),
        ('x: "{{ 1 if a_b | bool else 2 }}"', "bool", False),
        ("{% if a_b %}", "bool", True),
        ('    pull: "{{ a_b }}"', "bool", False),
        ("    that: 1 <= a_b <= 2", "int", True),
        ('  x: "{{ a_b + 25 }}"', "int", True),
        ('  x: "{{ a_b | int + 25 }}"', "int", False),
        ("  port: {{ a_b }}", "int", False),
        ("    say: a_b is {{ a_b }}", "int", False),
        ("# a_b", "bool", False),
    ],
)
def test_the_rule_itself(line: str, kind: str, wrong: bool) -> None:
    assert unconverted(line, "a_b", kind, is_task=True) is wrong
