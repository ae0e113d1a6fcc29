"""Every option of a role is flipped by a test: some test sets it to another value than its default, and looks at what comes of it.

    python tests/options_flipped.py [--list]

What counts as a flip is read from the tests themselves: keys of YAML files, and in Python keys of dictionaries, names of
keyword arguments, assignments to a key, `name=value` words of a command line, and lines `name: value` of a text. A
constant counts where it is not the default; a name, a call or a template is taken for another value. A setting that is
there to be refused says nothing of what the option does, so the files of REFUSED do not count. What no reading of the
tests can show stands in BY_OTHER_MEANS, with the test that shows it. `--list` prints the flips of each option.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
# The lab's inventory is that of all molecule scenarios
FOLDERS = ("tests", "molecule", "inventories/lab")
# Tests whose point is that a value is not accepted, or that only look at the form of names and values
REFUSED = (
    "tests/unit/plugins/action/test_bad_inputs.py",
    "tests/unit/plugins/module_utils/options",
    "tests/unit/plugins/module_utils/site",
    "tests/unit/roles/test_option_types.py",
)
# Flipped where no setting by its name is written: the option, and the test that shows what it does
BY_OTHER_MEANS: dict[str, str] = {}
WORD = re.compile(r"(?:^|\s)([a-z]\w+)=(\S*)")
LINE = re.compile(r"^[ \t-]*([a-z]\w+):[ \t]+(\S.*)$", re.MULTILINE)


class Computed:
    """A value that is known only when the test runs."""

    def __repr__(self) -> str:
        return "computed"


COMPUTED = Computed()


@dataclass(frozen=True)
class Setting:
    """One place of a test that gives a name a value: the file from the root of the project, the line (0: unknown)."""

    value: Any
    file: str
    line: int


def options() -> Iterator[tuple[str, str, Any]]:
    """Each option of each role: its name, type and default (None where it is required)."""
    for specs in sorted(ROOT.glob("roles/*/meta/argument_specs.yml")):
        defaults_file = specs.parent.parent / "defaults" / "main.yml"
        defaults = yaml.safe_load(defaults_file.read_text(encoding="utf-8")) if defaults_file.exists() else {}
        for entry in yaml.safe_load(specs.read_text(encoding="utf-8"))["argument_specs"].values():
            for name, option in (entry.get("options") or {}).items():
                yield name, option["type"], defaults.get(name)


def settings(names: set[str]) -> dict[str, list[Setting]]:
    """What the tests set, by name."""
    found: dict[str, list[Setting]] = defaultdict(list)
    for folder in FOLDERS:
        for file in sorted((ROOT / folder).rglob("*")):
            name = file.relative_to(ROOT).as_posix()
            if file.is_file() and not name.startswith(REFUSED) and not name.startswith("tests/output"):
                for key, value, line in settings_in(file):
                    if key in names and name != "tests/options_flipped.py":
                        found[key].append(Setting(value, name, line))
    return found


def settings_in(file: Path) -> Iterator[tuple[str, Any, int]]:
    """What one file sets: name, value and line."""
    if file.suffix == ".py":
        yield from in_python(ast.parse(file.read_text(encoding="utf-8")))
    elif file.suffix == ".yml":
        for document in yaml.load_all(file.read_text(encoding="utf-8"), Loader=AnyTag):
            yield from in_yaml(document)


class AnyTag(yaml.SafeLoader):
    """Reads tags of Ansible, such as !vault, as something computed."""


AnyTag.add_multi_constructor("!", lambda loader, suffix, node: COMPUTED)


def in_yaml(value: Any) -> Iterator[tuple[str, Any, int]]:
    """All keys of a document, at any depth."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key), COMPUTED if templated(inner) else inner, 0
            yield from in_yaml(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from in_yaml(inner)


def templated(value: Any) -> bool:
    """Whether Ansible makes the value of other variables."""
    return "{{" in str(value)


def in_python(tree: ast.AST) -> Iterator[tuple[str, Any, int]]:
    """All that a module gives a name: by dictionary, keyword, item or text."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    yield key.value, constant(value), key.lineno
        elif isinstance(node, ast.keyword) and node.arg:
            yield node.arg, constant(node.value), node.value.lineno
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
                    yield str(target.slice.value), constant(node.value), node.lineno
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from ((name, value, node.lineno) for name, value in in_text(node.value))
        elif isinstance(node, ast.JoinedStr):
            text = "".join(part.value if isinstance(part, ast.Constant) else "{{}}" for part in node.values)
            yield from ((name, value, node.lineno) for name, value in in_text(text))


def constant(node: ast.AST) -> Any:
    """The value of an expression of constants."""
    try:
        return ast.literal_eval(node)
    except ValueError:
        return COMPUTED


def in_text(text: str) -> Iterator[tuple[str, Any]]:
    """What a command line or a piece of YAML sets."""
    for name, value in [*WORD.findall(text), *LINE.findall(text)]:
        try:
            yield name, COMPUTED if templated(value) else yaml.safe_load(value)
        except yaml.YAMLError:
            yield name, COMPUTED


def differs(value: Any, kind: str, default: Any) -> bool:
    """Whether a value is another one than the default, as Ansible reads both."""
    if value is COMPUTED or templated(value):
        return True
    return templated(default) or as_read(value, kind) != as_read(default, kind)


def as_read(value: Any, kind: str) -> Any:
    """A value as Ansible reads it for an option of that type: text that is a boolean, a number or a structure is one."""
    if kind == "str":
        return str(value)
    return yaml.safe_load(value) if isinstance(value, str) else value


def main(listed: bool) -> int:
    """Print the options that no test flips; 0 when there are none."""
    known = {name: (kind, default) for name, kind, default in options()}
    found = settings(set(known))
    problems = [f"{name}: not an option" for name in BY_OTHER_MEANS if name not in known]
    problems += [f"{name}: {test} is not there" for name, test in BY_OTHER_MEANS.items() if not (ROOT / test).exists()]
    for name, (kind, default) in known.items():
        flips = [one for one in found[name] if differs(one.value, kind, default)]
        if not flips and name not in BY_OTHER_MEANS:
            problems.append(f"{name}: no test sets it to another value than {default!r}")
        if flips and name in BY_OTHER_MEANS:
            problems.append(f"{name}: {flips[0].file}:{flips[0].line} flips it; take it out of BY_OTHER_MEANS")
        if listed:
            print(name, *(f"    {one.file}:{one.line} {one.value!r}" for one in flips), sep="\n")
    print("\n".join(problems) or f"all {len(known)} options are flipped by tests")
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main("--list" in sys.argv[1:]))
