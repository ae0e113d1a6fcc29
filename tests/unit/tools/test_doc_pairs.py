"""The comparison of English pages with their Chinese twins finds each kind of difference."""

from __future__ import annotations

from pathlib import Path

import pytest
from doc_pairs import differences, english_pages, orphans, without_comments

ENGLISH = """# Nodes

See [registries](registries.md#logging-in), [the role](../roles/todo/README.md), [all kinds](kinds) and
<img src="images/plan.png" alt="plan">.

| a | b |
| --- | --- |
| 1 | 2 |

## `exec` and mirrors

    make site      # a cluster
    make test

```yaml
# what it says
key: "#value"
```
"""
CHINESE = """# 节点

见 [role](../../roles/todo/README.md)、[镜像仓库](registries.md#登录)、[各种集群](kinds) 和
<img src="../images/plan.png" alt="计划">。

| 甲 | 乙 |
| --- | --- |
| 1 | 2 |

## `exec` 与镜像站

    make site      # 一个集群
    make test

```yaml
# 含义
# （两行）
key: "#value"
```
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    files = {
        "docs/nodes.md": ENGLISH,
        "docs/zh-CN/nodes.md": CHINESE,
        "docs/registries.md": "# Registries\n\n## Logging in\n",
        "docs/zh-CN/registries.md": "# 镜像仓库\n\n## 登录\n",
        "docs/kinds/k3s.md": "# k3s\n",
        "docs/zh-CN/kinds/k3s.md": "# k3s\n",
        "docs/images/plan.png": "",
        "roles/todo/README.md": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def changed(root: Path, old: str, new: str, page: str = "docs/zh-CN/nodes.md") -> list[str]:
    """What is said of the pages once a text of one is replaced."""
    text = (root / page).read_text(encoding="utf-8")
    assert old in text
    (root / page).write_text(text.replace(old, new), encoding="utf-8")
    return list(differences(root, "docs/nodes.md"))


def test_twins_are_the_same(root: Path) -> None:
    assert list(differences(root, "docs/nodes.md")) == []
    assert list(orphans(root)) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("## `exec`", "### `exec`", "heading 2 is not of the same level: ## exec and mirrors and ### exec 与镜像站"),
        ("## `exec` 与镜像站\n", "", "heading 2 is not of the same level: ## exec and mirrors and none"),
        ("| 1 | 2 |\n", "", "table 1 is not of the same size: 2 x 2 and 1 x 2"),
        ("make test", "make  test", "code block 1 is not the same: 'make test' and 'make  test'"),
        ('"#value"', '"#other"', "code block 2 is not the same: 'key: \"#value\"' and 'key: \"#other\"'"),
        ("    make site      # 一个集群\n    make test\n", "", "code block 1 is not the same: 'make site' and 'key:"),
        ("registries.md#登录", "../registries.md", "lacks a link to docs/zh-CN/registries.md"),
        ("registries.md#登录", "../registries.md", "has a link to docs/registries.md, which docs/nodes.md has not"),
        ("(kinds)", "(../kinds)", "has a link to docs/kinds, which docs/nodes.md has not"),
        ("#登录", "#登陆", "links to docs/zh-CN/registries.md#登陆, a heading that is not there"),
        ("../../roles", "../roles", "links to docs/roles/todo/README.md, which is not there"),
        ("../images", "images", "links to docs/zh-CN/images/plan.png, which is not there"),
    ],
)  # fmt: skip
def test_each_difference_is_named(root: Path, old: str, new: str, said: str) -> None:
    assert any(line.startswith(f"docs/zh-CN/nodes.md: {said}") for line in changed(root, old, new))


def test_a_dead_link_of_the_english_page_is_named(root: Path) -> None:
    found = changed(root, "#logging-in", "#log-in", "docs/nodes.md")
    assert found == ["docs/nodes.md: links to docs/registries.md#log-in, a heading that is not there"]


def test_a_missing_twin_is_a_failure(root: Path) -> None:
    (root / "docs/zh-CN/nodes.md").unlink()
    assert list(differences(root, "docs/nodes.md")) == ["docs/nodes.md: there is no docs/zh-CN/nodes.md"]


def test_a_chinese_page_without_an_english_one_is_named(root: Path) -> None:
    (root / "docs/nodes.md").unlink()
    assert list(orphans(root)) == ["docs/zh-CN/nodes.md: there is no English page of which it is the twin"]


def test_records_of_results_need_no_twin(root: Path) -> None:
    (root / "docs/conformance.md").write_text("# Conformance\n", encoding="utf-8")
    assert english_pages(root) == ["README.md", "docs/kinds/k3s.md", "docs/nodes.md", "docs/registries.md"]


def test_comments_are_what_follows_a_blank_and_a_number_sign() -> None:
    assert without_comments("a  # b\n\n# c\nd#e\n'#f'\n") == "a\nd#e\n'#f'"
