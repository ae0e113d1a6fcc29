"""The application in its variants, and to-dos that must outlive every change."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from subprocess import CompletedProcess
from typing import Any

import pytest

from ..conftest import Answer, Site, client_manifest

GATEWAY_PORT, NODE_PORT = 30080, 30081
PARALLEL = 4


@dataclass(frozen=True)
class Application:
    """The application in one variant; `change` is the run that made it so, None for what was there."""

    site: Site
    variant: str
    change: CompletedProcess[str] | None = None

    def request(self, path: str, method: str = "GET", body: Any = None, timeout: float = 60) -> Answer:
        """One request to the page's own address in this variant."""
        port = NODE_PORT if self.variant == "kubernetes" else GATEWAY_PORT
        return self.site.request(path, method=method, body=body, timeout=timeout, port=port)

    def items(self) -> list[dict[str, Any]]:
        """All to-dos, page by page."""
        items: list[dict[str, Any]] = []
        path = "/api/todos?limit=100"
        while True:
            page = self.request(path).json()
            items += page["items"]
            if page["next_before"] is None:
                return items
            path = f"/api/todos?limit=100&before={page['next_before']}"

    def todos(self) -> dict[str, bool]:
        """The done flags of all to-dos by title."""
        return {item["title"]: item["done"] for item in self.items()}

    def add(self, titles: list[str]) -> list[int]:
        """Create to-dos, and return their ids."""
        with ThreadPoolExecutor(PARALLEL) as pool:
            answers = list(pool.map(lambda title: self.request("/api/todos", "POST", {"title": title}), titles))
        assert {answer.status for answer in answers} == {201}
        return [answer.json()["id"] for answer in answers]

    def delete(self, ids: list[int]) -> None:
        """Delete to-dos."""
        with ThreadPoolExecutor(PARALLEL) as pool:
            answers = list(pool.map(lambda number: self.request(f"/api/todos/{number}", "DELETE"), ids))
        assert {answer.status for answer in answers} == {204}


def change_to(site: Site, variant: str, *options: str) -> CompletedProcess[str]:
    """Run the playbook with no other difference than the variant, and further options."""
    return site.playbook("site.yml", "--tags", "todo", "-e", f"todo_variant={variant}", *options)


@pytest.fixture(scope="session")
def stranger(site: Site) -> Iterator[Site]:
    """A pod with Python outside the application's namespace and outside the mesh."""
    name = "stranger"
    site.kubectl("create", "namespace", name)
    site.kubectl("apply", "-f", "-", given=client_manifest(name))
    site.kubectl("wait", "--for=condition=Ready", "pod/client", "-n", name, "--timeout=120s")
    yield site
    site.kubectl("delete", "namespace", name, "--wait=false")


def by_name(site: Site, kind: str, name: str) -> dict[str, Any]:
    """One object of the application's namespace."""
    return json.loads(site.kubectl("get", kind, name, "-n", "todo", "-o", "json"))
