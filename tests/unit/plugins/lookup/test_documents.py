"""The documents that templates make: the same as by Ansible's own lookup and filter; and clear errors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader
from ansible.template import Templar, trust_as_template

LOOKUP = "lookup('selfhosted.serverless.documents', 'all.yml.j2')"
BUILTIN = "lookup('ansible.builtin.template', 'all.yml.j2') | from_yaml_all | select | list"


@pytest.fixture(scope="module", autouse=True)
def plugins() -> None:
    init_plugin_loader()


def value_of(expression: str, folder: Path, **variables: Any) -> Any:
    """Return the expression's value where `folder` is the role's or the play's."""
    told = {name: trust_as_template(value) if isinstance(value, str) else value for name, value in variables.items()}
    templar = Templar(loader=DataLoader(), variables={"ansible_search_path": [str(folder)], **told})
    return templar.template(trust_as_template("{{ " + expression + " }}"))


def write(folder: Path, **files: str) -> None:
    """Write templates: each name without its ending .yml.j2."""
    (folder / "templates").mkdir()
    for name, text in files.items():
        (folder / "templates" / f"{name}.yml.j2").write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "---\n---\n{}\n---\n",
        "a: 1\nb: [x, 'y', 1.5, true, null]\n---\nc: {d: e}\n",
        "{% if truth %}\na: {{ word | to_json }}\n{% endif %}\n---\nb: {{ nested }}-{{ truth }}\n",
        "{% for n in [1, 2] %}\n---\nn: {{ n }}\n{% endfor %}\n",
        "{% include 'part.yml.j2' %}\n\n---\nlast: {{ word | to_json }}\n",
        "c: |\n  two\n  lines\n",
        r'c: {{ "a\\b" | to_json }}' + "\n",
        "- a list\n- {of: this}\n",
        "template: '{% raw %}{{ word }}{% endraw %}'\n",
    ],
)
def test_same_as_by_ansible(text: str, tmp_path: Path) -> None:
    write(tmp_path, all=text, part="part: {{ word | to_json }}\n")
    variables = {"word": "a 'word': \"of\" ours", "truth": True, "nested": "{{ word | length }}"}
    found = value_of(LOOKUP, tmp_path, **variables)
    assert found == value_of(BUILTIN, tmp_path, **variables)
    json.dumps(found)


def test_variables_are_not_changed(tmp_path: Path) -> None:
    write(tmp_path, all="{% set word = 'other' %}\na: {{ word }}\n")
    assert value_of(f"{LOOKUP} + [word]", tmp_path, word="mine") == [{"a": "other"}, "mine"]


def test_that_which_is_read_is_no_template(tmp_path: Path) -> None:
    write(tmp_path, all="a: '{{ word }}'\n")
    assert value_of(LOOKUP, tmp_path, word="{% raw %}{{ other }}{% endraw %}", other="no") == [{"a": "{{ other }}"}]


def test_missing_template_is_named_with_its_places(tmp_path: Path) -> None:
    with pytest.raises(AnsibleError, match=f"all.yml.j2 is not found in {tmp_path}/templates"):
        value_of(LOOKUP, tmp_path)


def test_undefined_variable_is_named(tmp_path: Path) -> None:
    write(tmp_path, all="a: {{ word }}\n")
    with pytest.raises(AnsibleError, match="documents' failed: 'word' is undefined"):
        value_of(LOOKUP, tmp_path)


def test_that_which_is_no_yaml_is_named(tmp_path: Path) -> None:
    write(tmp_path, all="a: [1\n")
    with pytest.raises(AnsibleError, match=r"all.yml.j2 makes is no YAML: (?s:.)*line 2"):
        value_of(LOOKUP, tmp_path)
