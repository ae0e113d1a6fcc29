"""What the roles render, kept as the files that a script would have, with the secrets that ours makes beside them."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.policy import ImagePolicy
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.reference.rewrite import rewrite_documents

from .site_api import Api
from .site_audit import AGENT
from .site_labs import Site

Document = dict[str, Any]
# Part of the site -> the file that its role renders, in the order of installation
PARTS = {
    "metrics-server": "metrics_server.yaml",
    "istio": "istio.yaml",
    "serving": "knative_serving.yaml",
    "eventing": "knative_eventing.yaml",
    "todo": "todo.yaml",
}
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
LOOK_EVERY = 0.02


@dataclass(frozen=True)
class Documents:
    """The files in `folder`: <part>.yaml is all of a part; what an installation needs one by one is beside it.

    <part>-crds.yaml and <part>-rest.yaml, istio-namespaces.yaml, istio-operator.yaml, todo-base.yaml (namespace,
    secrets, service account), todo-volume.yaml (the job that prepares the volume), todo-first.yaml (one revision).
    """

    folder: Path

    def file(self, name: str) -> str:
        return str(self.folder / f"{name}.yaml")

    def count(self) -> int:
        """How many objects there are."""
        return sum(len(load(self.folder / f"{part}.yaml")) for part in PARTS)


def load(path: Path) -> list[Document]:
    """The documents of a file."""
    return [item for item in yaml.load_all(path.read_text(), Loader=LOADER) if item]


class Renderings:
    """The contents that the application's manifests have while a run goes on: its role renders them for each step."""

    def __init__(self, path: Path) -> None:
        self.seen: list[list[Document]] = []
        self._path = path

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Look at the file for the time of the block; it is replaced as a whole each time."""
        stop, last = threading.Event(), ""

        def look() -> None:
            nonlocal last
            while not stop.wait(LOOK_EVERY):
                text = self._path.read_text() if self._path.exists() else ""
                if text and text != last:
                    last = text
                    self.seen.append([item for item in yaml.load_all(text, Loader=LOADER) if item])

        thread = threading.Thread(target=look)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


def kept(site: Site, renderings: Renderings) -> Documents:
    """Write the files; the site has just been installed by us, and `renderings` were seen meanwhile."""
    folder = site.folder / "documents"
    folder.mkdir(mode=0o700, exist_ok=True)
    inventory = _inventory(site)
    policy = ImagePolicy.from_config(inventory["images"])
    documents = {part: rewrite_documents(load(site.work / file), policy) for part, file in PARTS.items()}
    base = [item for item in documents["todo"] if item["kind"] == "Namespace"] + _beside(site.api())
    volume, first = (rewrite_documents(items, policy) for items in steps_of(renderings.seen))
    documents["todo"] = base + [item for item in documents["todo"] if item["kind"] != "Namespace"]
    for part, items in documents.items():
        _write(folder / f"{part}.yaml", items)
        crds, rest = split(items)
        _write(folder / f"{part}-crds.yaml", crds)
        _write(folder / f"{part}-rest.yaml", rest)
    namespaces = [item for item in documents["istio"] if item["kind"] == "Namespace"]
    _write(folder / "istio-namespaces.yaml", namespaces)
    for name, items in {"base": base, "volume": volume, "first": first}.items():
        _write(folder / f"todo-{name}.yaml", items)
    _write(folder / "istio-operator.yaml", [inventory["operator"]])
    return Documents(folder)


def split(items: list[Document]) -> tuple[list[Document], list[Document]]:
    """The definitions of kinds, and the rest with webhooks last: before their servers run they refuse what follows."""
    crds = [item for item in items if item["kind"] == "CustomResourceDefinition"]
    rest = [item for item in items if item["kind"] != "CustomResourceDefinition"]
    return crds, sorted(rest, key=lambda item: item["kind"].endswith("WebhookConfiguration"))


def steps_of(seen: list[list[Document]]) -> tuple[list[Document], list[Document]]:
    """Of the renderings that were seen, the one with the job, and the one after it: the first revision.

    What comes before is for the plan of the images alone.
    """
    volume = next((number for number, items in enumerate(seen) if any(item["kind"] == "Job" for item in items)), None)
    if volume is None or len(seen) != volume + 3:
        raise SystemExit("bench: the steps of the application were not seen; is the site new on this lab?")
    return seen[volume], seen[volume + 1]


def _beside(api: Api) -> list[Document]:
    """The Secrets that our run made without rendering them, and the service accounts that it attached them to."""
    found = []
    for item in api.ask("GET", "/api/v1/secrets")["items"]:
        labels = item["metadata"].get("labels") or {}
        if _is_applied_by_us(item) and item["metadata"]["namespace"] == "todo":
            metadata = {"name": item["metadata"]["name"], "namespace": "todo", "labels": _theirs(labels)}
            found.append({"apiVersion": "v1", "kind": "Secret", "type": item["type"], "metadata": metadata})
            found[-1]["data"] = item["data"]
    for item in api.ask("GET", "/api/v1/serviceaccounts")["items"]:
        if _is_applied_by_us(item) and item.get("imagePullSecrets"):
            metadata = {key: item["metadata"][key] for key in ("name", "namespace")}
            secrets = item["imagePullSecrets"]
            found.append(
                {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata, "imagePullSecrets": secrets}
            )
    return found


def _is_applied_by_us(item: Document) -> bool:
    return any(entry["manager"].startswith(AGENT) for entry in item["metadata"].get("managedFields") or [])


def _theirs(labels: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in labels.items() if "selfhosted" not in key + value}


def _inventory(site: Site) -> dict[str, Any]:
    """What the role gives to istioctl (`operator`), and the image policy (`images`), as Ansible fills them in."""
    target = site.folder / "inventory.json"
    role = {"name": "selfhosted.serverless.istio", "tasks_from": "render", "public": True}
    content = "{{ {'operator': __istio_operator, 'images': serverless_images} | to_json }}"
    tasks = [
        {"ansible.builtin.import_role": role},
        {"ansible.builtin.copy": {"dest": str(target), "mode": "0600", "content": content}, "no_log": True},
    ]
    playbook = site.folder / "inventory-playbook.json"
    play = {"hosts": "clusters", "connection": "local", "gather_facts": False, "tasks": tasks}
    playbook.write_text(json.dumps([play]))
    site.playbook(str(playbook))
    return json.loads(target.read_text())


def _write(path: Path, items: list[Document]) -> None:
    path.touch(mode=0o600)
    # JSON is YAML, and is read far faster
    path.write_text("".join(f"---\n{json.dumps(item)}\n" for item in items))
