"""The page of a report as a document: complete, harmless, and of nothing but itself."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.report.page import page
from noted_runs import Host, change, planned, report, site, site_run

VOID = {"meta", "link", "br"}
LOADING = {"script", "iframe", "object", "embed", "img", "audio", "video", "base", "form", "input", "image", "use"}
HOSTILE = "<script>alert(1)</script>\"'><img src=//evil.example/x onerror=alert(2)>&amp;</style></title><!-- \u202e\x00"


class Read(HTMLParser):
    """Reads a page strictly: every element is closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def test_it_tells_all_of_a_run(tmp_path: Path) -> None:
    site_run(tmp_path, "lab")
    text = Read(page(report(tmp_path, now=300))).text
    for words in (
        "Run on lab complete",
        "Turn every context into a serverless platform",
        "203 created, 1 adopted, 2 changed, 1 given back, 1 deleted",
        "2 of 3 facts hold",
        "Kubernetes v1.36.3 (kubernetes, 3 nodes)",
        "Context of the kubeconfig: arn:aws:eks:eu-west-1:1:cluster/lab",
        "http://web.todo.example.com:30080/",
        "event no no event came back within 10 s Cause: Deployment knative-eventing/imc-dispatcher has no ready pod",
        "topology not asked Kiali is not installed",
        "node lab: its containerd does not read the mirrors of registry.k8s.io Remedy: Set config_path in config.toml.",
        "Set knative-1.22: istio 1.30.5",
        "istio 1.30.5: 38 created, 1 adopted; 4 unchanged",
        "Deployment istio-system/istiod created it is not there",
        "5 images, 5 of them in pods, 210.0 MB in all",
        "docker.io/istio/pilot:1.30.5 sha256:aaaa",
        "from mirror.registry.example:5000 (observed) 42.0 MB",
        "Verify it: ansible-playbook playbooks/verify.yml Remove it all: ansible-playbook remove.yml",
        "22 steps of this collection's actions",
        "by selfhosted.serverless 1.0.0, ansible-core 2.19.14, Python 3.11.2",
        "image_prefetch 1 min 8 s",
    ):
        assert words in text, words


def test_a_failed_run_says_first_where_it_stopped(tmp_path: Path) -> None:
    site_run(tmp_path, "lab", fails=True)
    text = Read(page(report(tmp_path, now=300))).text
    assert "Run on lab failed" in text
    stopped = text.index("in: Wait until Knative is ready, and complete its upgrade or go back (knative)")
    assert text.index("the image cannot be pulled: not found") - stopped < 200
    assert stopped < text.index("Over time")
    assert "Addresses" not in text and "What to do next" not in text


def test_contexts_are_listed_and_have_ids_of_their_own(tmp_path: Path) -> None:
    site_run(tmp_path, "blue")
    site_run(tmp_path, "green", pace=1.4, fails=True)
    read = Read(page(report(tmp_path, now=300)))
    ids = [attributes["id"] for _tag, attributes in read.tags if "id" in attributes]
    assert len(ids) == len(set(ids)) > 20
    links = [attributes["href"] for tag, attributes in read.tags if tag == "a"]
    assert {link.removeprefix("#") for link in links if link and link.startswith("#")} <= set(ids)
    assert "Run on blue, green failed" in read.text and "green failed" in read.text


def every_text(value: Any, words: str) -> Any:
    """A document with these words before every text that is not one of a few."""
    if isinstance(value, dict):
        fixed = ("outcome", "started", "ended", "written", "action", "step", "urls", "digest")
        return {key: item if key in fixed else every_text(item, words) for key, item in value.items()}
    if isinstance(value, list):
        return [every_text(item, words) for item in value]
    return f"{words}{value}" if isinstance(value, str) and value else value


@pytest.mark.parametrize("several", [False, True])
def test_no_text_becomes_markup(tmp_path: Path, several: bool) -> None:
    site_run(tmp_path, "lab")
    if several:
        site_run(tmp_path, "other", fails=True)
    document = report(tmp_path, now=300)
    plain, hostile = Read(page(document)), Read(page(every_text(document, HOSTILE.replace("\x00", ""))))
    assert [tag for tag, _attributes in plain.tags] == [tag for tag, _attributes in hostile.tags]
    names = [sorted(attributes) for _tag, attributes in plain.tags]
    assert names == [sorted(attributes) for _tag, attributes in hostile.tags]
    assert hostile.text.count("<script>alert(1)</script>") > 50


def test_a_journal_with_hostile_texts_makes_a_harmless_page(tmp_path: Path) -> None:
    host = Host(tmp_path, HOSTILE, play=HOSTILE)
    fact = dict.fromkeys(("name", "text", "cause", "remedy"), HOSTILE) | {"figures": {HOSTILE: HOSTILE}}
    changes = {**change(), "release": HOSTILE, "objects": [{"action": "create", "object": HOSTILE, "reason": HOSTILE}]}
    notes = {
        "changes": [changes],
        "images": {"rows": [planned("a/b:1", HOSTILE)]},
        **site(facts=[fact], context=HOSTILE),
    }
    host.step(0, 1, HOSTILE, role=HOSTILE, warnings=[[HOSTILE, HOSTILE]], notes=notes)
    host.step(1, 1, HOSTILE, "failed", error=HOSTILE)
    text = page(report(tmp_path))
    assert "<script" not in text and "<img" not in text and "\x00" not in text and "\u202e" not in text
    assert not LOADING & {tag for tag, _attributes in Read(text).tags}


def test_it_asks_nobody_for_anything(tmp_path: Path) -> None:
    site_run(tmp_path, "lab")
    text = page(report(tmp_path))
    read = Read(text)
    assert not LOADING & {tag for tag, _attributes in read.tags}
    assert "url(" not in text and "@import" not in text and "@font-face" not in text
    for tag, attributes in read.tags:
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        assert "src" not in attributes and (tag in ("a", "link") or "href" not in attributes)
    [policy] = [attributes["content"] for tag, attributes in read.tags if attributes.get("http-equiv")]
    assert policy and policy.startswith("default-src 'none';")
    [icon] = [attributes["href"] for tag, attributes in read.tags if tag == "link"]
    assert icon == "data:,"


def test_it_has_colours_for_light_and_dark(tmp_path: Path) -> None:
    Host(tmp_path)
    text = page(report(tmp_path))
    light, dark = re.findall(r":root\{([^}]+)\}", text)
    assert [part.partition(":")[0] for part in light.split(";")] == [part.partition(":")[0] for part in dark.split(";")]
    used = set(re.findall(r"var\((--\w+)\)", text))
    assert used == {part.partition(":")[0] for part in light.split(";")}
