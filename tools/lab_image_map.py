"""Write the map from the digests that the shipped release sets name to the lab's images, which cannot have them.

It is inventories/lab/group_vars/clusters/image_map.yml. The released files come out of their Go modules, which
`go mod download` fetches and verifies. Run it when a set of roles/serverless/files/releases.yml has changed:

    .venv/bin/python tools/lab_image_map.py
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader
from ansible.template import Templar

ROOT = Path(__file__).resolve().parent.parent
# Ansible's loader comes before the first import of the collection: it refuses packages that Python's own has imported.
if not any(type(one).__name__ == "_AnsibleCollectionFinder" for one in sys.meta_path):
    init_plugin_loader([str(ROOT / ".venv" / "collections")])

from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.images.image_map import image_map  # noqa: E402
from ansible_collections.selfhosted.serverless.plugins.module_utils.releases.sets import Releases, read_releases  # noqa: E402

ROLE = ROOT / "roles" / "lab"
MAP = ROOT / "inventories" / "lab" / "group_vars" / "clusters" / "image_map.yml"
HEADER = """---
# The releases' references by digest -> the lab's own images of the same repositories: a local build cannot have
# upstream's digests. Made by tools/lab_image_map.py.
"""


def role_variables(**options: Any) -> dict[str, Any]:
    """The variables of the role lab, templated; `options` are set on top of its defaults."""
    loader = DataLoader()
    raw: dict[str, Any] = {"role_path": str(ROLE), "ansible_search_path": [str(ROLE)]}
    for name in ("defaults/main", "vars/components", "vars/images", "vars/releases"):
        raw |= loader.load_from_file(str(ROLE / f"{name}.yml"), trusted_as_template=True)
    raw |= options
    templar = Templar(loader=loader, variables=raw)
    wanted = [name for name in raw if name.startswith("__lab_")]
    return {name: templar.template(raw[name]) for name in wanted}


def released(releases: Releases, name: str) -> list[str]:
    """The texts of all files of a set that come out of Knative's modules, those for after an installation included."""
    texts = []
    for component, version in releases.sets[name].versions.items():
        for items in releases.content[component][version].values():
            for item in items:
                for source in item["sources"]:
                    if source.get("go_module", "").startswith("knative.dev/"):
                        texts.append((_unpacked(source["go_module"]) / source["path"]).read_text(encoding="utf-8"))
    return texts


def whole_map() -> dict[str, str]:
    """The map for all sets that are shipped."""
    releases = read_releases()
    found: dict[str, str] = {}
    for name in releases.sets:
        role = role_variables(lab_releases=[name])
        found |= image_map(released(releases, name), role["__lab_images"], role["__lab_not_made"])
    return dict(sorted(found.items()))


def _unpacked(module: str) -> Path:
    with tempfile.TemporaryDirectory() as empty:
        command = ["go", "mod", "download", "-json", module]
        done = subprocess.run(command, cwd=empty, capture_output=True, text=True, check=False)
    answer = json.loads(done.stdout or "{}")
    if "Dir" not in answer:
        raise SystemExit(f"{module} cannot be fetched: {answer.get('Error') or done.stderr}")
    return Path(answer["Dir"])


def main() -> None:
    """Write the file."""
    lines = [f"  {reference}:\n    {image}\n" for reference, image in whole_map().items()]
    MAP.write_text(HEADER + "__lab_image_map:\n" + "".join(lines), encoding="utf-8")
    print(f"{MAP.relative_to(ROOT)}: {len(lines)} references")


if __name__ == "__main__":
    main()
