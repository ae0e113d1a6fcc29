"""Every option of a role is flipped by a test: set to another value than its default, with a look at what comes of it.

    python tests/options_flipped.py [--list]

What counts as a flip is read from the tests themselves: keys of YAML files, and in Python keys of dictionaries, names
of keyword arguments, assignments to a key, `name=value` words of a command line, and lines `name: value` of a text of
several lines. A constant counts where it is not the default; a name, a call or a template is taken for another value.
A setting that is there to be refused says nothing of what the option does, so the files of REFUSED do not count, and
the lab's inventory, which all scenarios have, is no test. What no reading of the tests can show stands in
BY_OTHER_MEANS with the test that shows it. `--list` prints the flips of each option.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("tests/unit", "tests/integration", "molecule")
# Tests whose point is that a value is not accepted, or that only look at the form of names and values
REFUSED = (
    "tests/unit/plugins/action/test_bad_inputs.py",
    "tests/unit/plugins/module_utils/options/test_names.py",
    "tests/unit/plugins/module_utils/options/test_rules.py",
    "tests/unit/plugins/plugin_utils/test_option_values.py",
    "tests/unit/roles/test_option_types.py",
)
# Flipped where no setting by its name is written: the option, and the file and function that show what it does
SHARED = "tests/unit/roles/test_shared_options.py"
VERIFY = "tests/unit/plugins/module_utils/verify"
BY_OTHER_MEANS = {
    # What it does is to refuse
    "preflight_minimum_kubernetes": "tests/unit/plugins/action/test_bad_inputs.py::VALUES",
    # -e drill=NAME is what it is made of
    "drills_name": "tests/integration/drills/test_1_knative.py::test_a_drill_of_another_variant_says_what_to_do",
    # Set by names that are put together there
    **{
        f"{role}_{what}": f"{SHARED}::test_a_change_by_hand_stops_a_role_unless_an_option_says_whose_it_is"
        for role in (
            "image_prefetch", "istio", "knative", "metrics_server", "observability", "registry_secret", "todo",
        )
        for what in ("ignore_fields", "force_conflicts")
    },
    "knative_eventing_jobs_content": f"{SHARED}::test_options_reach_the_manifests",
    # Given on under their names, as test_the_role_gives_every_option_to_the_action_under_its_name has it
    "verify_application_namespace": (
        f"{VERIFY}/test_application.py::test_it_is_looked_for_in_the_namespace_that_is_named"
    ),
    "verify_certificate_days": f"{VERIFY}/test_certificates.py::test_what_gateways_of_ours_serve",
    "verify_clock_seconds": f"{VERIFY}/test_cluster_facts.py::test_a_node_whose_clock_is_wrong_is_named",
    "verify_metrics_seconds": (
        f"{VERIFY}/test_cluster_facts.py::test_missing_and_stale_figures_are_named_with_what_is_behind_them"
    ),
    "verify_timeout": (
        "tests/unit/plugins/action/test_verify.py::test_probes_that_no_node_runs_are_told_and_taken_away"
    ),
}  # fmt: skip
WORD = re.compile(r"(?:^|\s)([a-z]\w+)=(\S+)")
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
            if file.is_file() and not name.startswith(REFUSED):
                for key, value, line in settings_in(file):
                    if key in names:
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
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if id(node) in parts:
            continue
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
            yield from ((name, value, node.lineno) for name, value in in_text(joined(node)))


def joined(node: ast.JoinedStr) -> str:
    """The text of an f-string, with {{}} for what is known only when the test runs."""
    return "".join(part.value if isinstance(part, ast.Constant) else "{{}}" for part in node.values)  # type: ignore[misc]


def constant(node: ast.AST) -> Any:
    """The value of an expression of constants."""
    try:
        return ast.literal_eval(node)
    except ValueError:
        return COMPUTED


def in_text(text: str) -> Iterator[tuple[str, Any]]:
    """What a command line or a piece of YAML sets."""
    for name, value in WORD.findall(text) + (LINE.findall(text) if "\n" in text else []):
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
    """A value as Ansible reads it for an option of that type: text of a number is one."""
    if kind == "str":
        return str(value)
    return yaml.safe_load(value) if isinstance(value, str) else value


def named(test: str) -> bool:
    """Whether a file has the function or the table that stands behind its name."""
    file, _colons, name = test.partition("::")
    text = (ROOT / file).read_text(encoding="utf-8") if (ROOT / file).is_file() else ""
    return re.search(rf"^(def {name}\(|{name}\b.*=)", text, re.MULTILINE) is not None


def main(listed: bool) -> int:
    """Print the options that no test flips; 0 when there are none."""
    known = {name: (kind, default) for name, kind, default in options()}
    found = settings(set(known))
    problems = [f"{name}: no option of a role" for name in BY_OTHER_MEANS if name not in known]
    problems += [f"{name}: there is no {test}" for name, test in BY_OTHER_MEANS.items() if not named(test)]
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
