"""A site at the older set, with somebody's Knative service and to-dos in the application."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from ..conftest import Site, until
from ..repair import greeter
from ..support.runs import Lab, Run

OLD, NEW = "knative-1.22", "knative-1.23"
VERSIONS = {
    OLD: {"istio": "1.30.5", "knative-serving": "1.22.1", "knative-eventing": "1.22.2"},
    NEW: {"istio": "1.31.1", "knative-serving": "1.23.0", "knative-eventing": "1.23.0"},
}
TODOS = 30


@dataclass
class Scene:
    """The site, its lab, and the to-dos that must be there after everything."""

    site: Site
    lab: Lab
    todos: list[str]

    def run(self, *arguments: str, **variables: Any) -> Run:
        """site.yml with variables."""
        return self.lab.run("site.yml", *arguments, "-e", json.dumps(variables))

    def standing(self) -> dict[str, str]:
        """The versions that the inventories tell."""
        items = self.site.objects("configmaps", "-n", "kube-system", "-l", "serverless.selfhosted/record")
        found = {item["metadata"]["name"].removeprefix("release-"): item["data"] for item in items}
        unfinished = {name: data for name, data in found.items() if data.get("former") or data.get("applying")}
        assert not unfinished, f"not complete: {unfinished}"
        return {name: data["version"] for name, data in found.items() if name in VERSIONS[OLD]}

    def titles(self) -> list[str]:
        """All to-dos of the application."""
        answer = self.site.request("/api/todos?limit=100")
        assert answer.status == 200, answer.body
        return sorted(item["title"] for item in answer.json()["items"])

    def assert_all_there(self) -> None:
        """No to-do is lost."""
        assert set(self.todos) <= set(self.titles())

    def assert_settled(self, **variables: Any) -> None:
        """A second run changes nothing."""
        second = self.run(**variables)
        assert second.code == 0, second.end()
        assert second.changed == 0, second.changes()

    def jobs(self) -> list[str]:
        """Jobs in Knative's namespaces."""
        spaces = ("knative-serving", "knative-eventing")
        return [item["metadata"]["name"] for space in spaces for item in self.site.objects("jobs", "-n", space)]


@pytest.fixture(scope="module")
def scene(site: Site, lab_under_test: Lab) -> Iterator[Scene]:
    """The older set, installed on an empty cluster."""
    started = Scene(site, lab_under_test, [])
    done = started.run(serverless_release=OLD)
    assert done.code == 0, done.end()
    assert started.standing() == VERSIONS[OLD]
    greeter.place(site)
    until("somebody's service answers", lambda: greeter.asked(site), 60)
    for number in range(TODOS):
        title = f"upgrade {number}"
        assert site.request("/api/todos", method="POST", body={"title": title}).status == 201
        started.todos.append(title)
    yield started
    site.kubectl("delete", "ksvc", "greeter", "-n", "default", "--ignore-not-found", "--timeout=60s", check=False)
    removed = lab_under_test.run("playbooks/uninstall.yml")
    assert removed.code == 0, removed.end()


def told(run: Run) -> str:
    """The output in one line, so that a text is found however it was wrapped."""
    return re.sub(r"\s+", " ", run.output)
