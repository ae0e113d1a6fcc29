"""What the pages tell people to type is there: playbooks, inventories, tags, options and make's targets.

The Chinese pages have the same commands (tools/doc_pairs.py).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterator
from functools import cache

import pytest
import yaml
from ansible_collections.selfhosted.serverless.plugins.module_utils.options.names import options_of_roles
from doc_pairs import ROOT, english_pages
from markdown_it import MarkdownIt

PAGES = [
    *english_pages(ROOT),
    "CONTRIBUTING.md",
    *sorted(str(p.relative_to(ROOT)) for p in ROOT.glob("roles/*/README.md")),
]
# Told on the command line alone: of a play, or of Ansible
OF_PLAYS = frozenset({"drill", "images_verb"})
PLACEHOLDER = re.compile(r"[A-Z][A-Z_]+")
FQCN = "selfhosted.serverless."


def commands(page: str, program: str) -> Iterator[list[str]]:
    """The words behind a program, for each command of a page that runs it."""
    for token in _code((ROOT / page).read_text(encoding="utf-8")):
        for line in token.replace("\\\n", " ").splitlines():
            found = re.match(rf"\s*(?:\w+=\S+ )*{program} (.*)", line)
            if found and not re.search(r"[…]|\.\.\.$", found[1]):
                yield shlex.split(found[1], comments=True)


def _code(text: str) -> Iterator[str]:
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        if token.type in ("fence", "code_block"):
            yield token.content
        yield from (part.content for part in token.children or () if part.type == "code_inline")


@cache
def options() -> frozenset[str]:
    return OF_PLAYS.union(*options_of_roles(ROOT / "roles").values())


@cache
def tags_of(playbook: str) -> frozenset[str]:
    """The tags of a playbook's tasks and roles; those of the playbook that it imports, where it does."""
    plays = yaml.safe_load((ROOT / playbook).read_text(encoding="utf-8"))
    found: set[str] = set()
    for play in plays:
        if "ansible.builtin.import_playbook" in play:
            found |= tags_of(play["ansible.builtin.import_playbook"])
        tasks = [inner for task in play.get("tasks", []) for inner in (task, *task.get("block", []))]
        for part in [*tasks, *play.get("roles", [])]:
            found |= set(part.get("tags", []))
    return frozenset(found)


def faults(words: list[str], made: Collection[str] = ()) -> Iterator[str]:
    """What of a command of ansible-playbook is not there; the page tells how the files `made` come to be."""
    given = {words[place + 1] for place, word in enumerate(words[:-1]) if word.startswith("-")}
    files = [word for word in words if word.endswith(".yml") and "=" not in word and not word.startswith("@")]
    playbooks = [word for word in files if word not in given]
    playbooks += [f"playbooks/{word.removeprefix(FQCN)}.yml" for word in words if word.startswith(FQCN)]
    if len(playbooks) != 1 or not (ROOT / playbooks[0]).exists():
        yield f"no playbook {playbooks}"
        return
    for option, value in zip(words, words[1:], strict=False):
        if option == "-i" and not PLACEHOLDER.fullmatch(value) and not ((ROOT / value).exists() or value in made):
            yield f"no inventory {value}"
        elif option in ("--tags", "--skip-tags") and not PLACEHOLDER.fullmatch(value):
            yield from (f"no tag {tag}" for tag in value.split(",") if tag not in tags_of(playbooks[0]))
        elif option == "-e" and not value.startswith("@"):
            names = yaml.safe_load(value) if value.startswith("{") else [value.partition("=")[0]]
            yield from (f"no option {name}" for name in names if name not in options())


@pytest.mark.parametrize("page", PAGES)
def test_playbooks_inventories_tags_and_options_are_there(page: str) -> None:
    made = re.findall(r" > (\S+)$", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE)
    assert [
        f"{' '.join(words)}: {fault}" for words in commands(page, "ansible-playbook") for fault in faults(words, made)
    ] == []


@pytest.mark.parametrize("page", PAGES)
def test_targets_of_make_are_there(page: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert [words[0] for words in commands(page, "make") if words[0] not in targets] == []


@pytest.mark.parametrize(
    ("command", "fault"),
    [
        ("site.yml --tags istoi", "no tag istoi"),
        ("site.yml -i inventories/none", "no inventory inventories/none"),
        ("playbooks/sight.yml", "no playbook ['playbooks/sight.yml']"),
        (f"{FQCN}sight", "no playbook ['playbooks/sight.yml']"),
        ("site.yml -e knative_doman=x", "no option knative_doman"),
        ("""site.yml -e '{"todo_split": 1}'""", "no option todo_split"),
    ],
)
def test_each_fault_is_found(command: str, fault: str) -> None:
    assert list(faults(shlex.split(command))) == [fault]


def test_commands_are_found_in_blocks_and_in_texts() -> None:
    assert len(list(commands("docs/course.md", "ansible-playbook"))) > 20
    assert ["playbooks/backup.yml", "-i", "inventories/minikube"] in list(
        commands("docs/kinds/minikube.md", "ansible-playbook")
    )
