"""Role pages in two languages, and what is told of Chinese texts that do not fit the English ones."""

from __future__ import annotations

from pathlib import Path

import pytest
import role_pages
import yaml

SPECS = """
argument_specs:
  main:
    short_description: Keeps bees
    options:
      bees_state:
        type: str
        choices: [present, absent]
        description: Whether V(present) or not.
      bees_hives:
        type: list
        elements: str
        required: true
        description: [Names of the hives., "One | or more."]
"""
TEXTS = {
    "bees": {
        "role": {"en": "7e4f4dfd", "zh": "养蜂。"},
        "bees_state": {"en": "97e967dd", "zh": "是否为 `present`。"},
        "bees_hives": {"en": "719328ea", "zh": ["蜂箱的名字。", "至少一个。"]},
    }
}


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with one role and its Chinese texts."""
    for name, content in (("meta/argument_specs.yml", SPECS), ("defaults/main.yml", "bees_state: present\n")):
        file = tmp_path / "roles/bees" / name
        file.parent.mkdir(parents=True)
        file.write_text(content, encoding="utf-8")
    monkeypatch.setattr(role_pages, "ROOT", tmp_path)
    monkeypatch.setattr(role_pages, "ROLES", tmp_path / "roles")
    monkeypatch.setattr(role_pages, "CHINESE_TEXTS", tmp_path / "docs/zh-CN/options.yml")
    say(tmp_path, TEXTS)
    return tmp_path


def say(tree: Path, texts: object) -> None:
    file = tree / "docs/zh-CN/options.yml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump(texts, allow_unicode=True), encoding="utf-8")


def test_both_pages_say_the_same_in_their_language(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert role_pages.main(check=False) == 0
    english = (tree / "docs/roles/bees.md").read_text(encoding="utf-8").splitlines()
    chinese = (tree / "docs/zh-CN/roles/bees.md").read_text(encoding="utf-8").splitlines()
    assert english[2:] == [
        "# bees",
        "",
        "Keeps bees.",
        "",
        "| option | type | default | what it says |",
        "| --- | --- | --- | --- |",
        "| `bees_state` | `present`, `absent` | `present` | Whether `present` or not. |",
        "| `bees_hives` | list of str | required | Names of the hives. One \\| or more. |",
    ]
    assert chinese[2:] == [
        "# bees",
        "",
        "养蜂。",
        "",
        "| 选项 | 类型 | 默认值 | 说明 |",
        "| --- | --- | --- | --- |",
        "| `bees_state` | `present`, `absent` | `present` | 是否为 `present`。 |",
        "| `bees_hives` | list（str） | 必填 | 蜂箱的名字。至少一个。 |",
    ]
    assert role_pages.main(check=True) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("page", ["docs/roles/bees.md", "docs/zh-CN/roles/bees.md"])
def test_a_page_that_was_changed_by_hand_is_named(tree: Path, page: str, capsys: pytest.CaptureFixture[str]) -> None:
    role_pages.main(check=False)
    (tree / page).write_text("by hand", encoding="utf-8")
    assert role_pages.main(check=True) == 1
    assert capsys.readouterr().out == f"not as tools/role_pages.py writes them: {page}\n"
    assert (tree / page).read_text(encoding="utf-8") == "by hand"


@pytest.mark.parametrize("check", [True, False])
def test_a_text_whose_english_has_changed_is_named_with_its_new_digest(
    tree: Path, check: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    role_pages.main(check=False)
    specs = tree / "roles/bees/meta/argument_specs.yml"
    specs.write_text(specs.read_text(encoding="utf-8").replace("Names of", "Places of"), encoding="utf-8")
    assert role_pages.main(check) == 1
    told = capsys.readouterr().out
    assert "docs/zh-CN/options.yml:\n  bees: bees_hives has another English text now; write" in told
    assert f'en: "{role_pages.digest("Places of the hives. One | or more.")}"' in told
    assert told.count("bees: bees_") == 1


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (("bees", "bees_state"), None, 'bees: bees_state has no text; write en: "97e967dd"'),
        (("bees", "role"), None, 'bees: role has no text; write en: "7e4f4dfd"'),
        (("bees", "bees_state"), {"en": "97e967dd"}, "bees: bees_state has an empty zh"),
        (("bees", "bees_state"), {"en": "97e967dd", "zh": []}, "bees: bees_state has an empty zh"),
        (("bees", "bees_honey"), {"en": "97e967dd", "zh": "蜜"}, "bees: bees_honey is no option of the role"),
        (("wasps", "role"), {"en": "97e967dd", "zh": "黄蜂"}, "wasps: there is no such role"),
    ],
)
def test_missing_and_superfluous_texts_are_named(
    tree: Path, path: tuple[str, str], value: object, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    texts: dict[str, dict[str, object]] = {role: dict(entries) for role, entries in TEXTS.items()}
    entries = texts.setdefault(path[0], {})
    if value is None:
        del entries[path[1]]
    else:
        entries[path[1]] = value
    say(tree, texts)
    assert role_pages.main(check=False) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 and lines[1].strip().startswith(told)


def test_what_has_no_text_is_said_in_english(tree: Path) -> None:
    say(tree, {"bees": {"bees_state": {"en": "97e967dd", "zh": "是否。"}}})
    role_pages.main(check=False)
    page = (tree / "docs/zh-CN/roles/bees.md").read_text(encoding="utf-8")
    assert "\nKeeps bees.\n" in page and "是否。" in page and "Names of the hives. One \\| or more." in page
