"""Make a release set with the checksums of its content and put it into roles/serverless/files/releases.yml.

The Knative files come out of the operator's module, metrics-server's and Istio's addons out of their own, which
`go mod download` fetches and verifies; so this needs `go` and `kubectl`, and no release site. A set of the same name is
replaced:

    .venv/bin/python tools/release_set.py knative-1.22 --serving 1.22.1 --eventing 1.22.2 --net-istio 1.22.1 \
        --operator 0.49.3 --metrics-server 0.9.0 --istio 1.30.5 \
        --istio-module v0.0.0-20260826214018-9739e10eb9d7 --kubernetes 1.34 1.37

The operator's fetcher copies the files of Knative's releases unchanged (cmd/fetcher, pkg/packages/release.go), and the
releases are published to its bucket and to GitHub from the same files (knative.dev/hack, release.sh): one checksum does
for all sources. metrics-server's release file is what `kubectl kustomize` makes of its module (its Makefile). Istio's
releases are no versions of its module: its addons are those of a commit of the release's branch, which the module
proxies have.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / ".venv" / "collections"))

from ansible_collections.selfhosted.serverless.plugins.module_utils.content.checksum import sha256_of  # noqa: E402

DATA = ROOT / "roles" / "serverless" / "files" / "releases.yml"
HEADER = """---
# The only place with versions of what is installed; tools/release_set.py makes it. `sets`: what goes together; of
# those that are `offered`, the first that fits the server is chosen. `works_with`: further minors that may be mixed in.
# `content`: by component and version, items as the render module takes them.
"""
KODATA = "cmd/operator/kodata"
# Names of the release files by component, as upstream publishes them
SERVING = ("serving-crds.yaml", "serving-core.yaml", "serving-hpa.yaml")
EVENTING = ("eventing-crds.yaml", "eventing-core.yaml", "in-memory-channel.yaml", "mt-channel-broker.yaml")
SERVING_POST = ("serving-post-install-jobs.yaml",)
EVENTING_POST = ("eventing-post-install.yaml",)
# Prometheus and Kiali as Istio publishes them
ADDONS = ("prometheus.yaml", "kiali.yaml")
OPERATOR_IMAGE = "gcr.io/knative-releases/knative.dev/operator/cmd/operator"
# Minor of an operator's release less the minor of its module's version: v0.49 is the release 1.22
RELEASE_MINOR = -27


class Module:
    """A module that `go` has fetched and verified: `name` is path@version, `directory` where it lies, `sum` its h1."""

    def __init__(self, name: str) -> None:
        with tempfile.TemporaryDirectory() as empty:
            command = ["go", "mod", "download", "-json", name]
            done = subprocess.run(command, cwd=empty, capture_output=True, text=True, check=False)
        answer = json.loads(done.stdout or "{}")
        if "Sum" not in answer:
            raise SystemExit(f"{name} cannot be fetched: {answer.get('Error') or done.stderr}")
        self.name, self.directory, self.sum = name, Path(answer["Dir"]), str(answer["Sum"])

    def source(self, path: str, **further: str) -> dict[str, str]:
        """The source of a file or folder in it."""
        return {"go_module": self.name, "sum": self.sum, "path": path, **further}


class Knative:
    """The released files of Knative out of the operator's module, also to be had from its image and two sites."""

    def __init__(self, operator: str) -> None:
        self.module = Module(f"knative.dev/operator@v{operator}")
        major, minor, patch = operator.split(".")
        self.image = f"{OPERATOR_IMAGE}:v{int(major) + 1}.{int(minor) + RELEASE_MINOR}.{patch}"

    def items(self, folder: str, names: tuple[str, ...], project: str, version: str) -> list[dict[str, Any]]:
        """The items of the files `names` in a folder of kodata; `project` is the one on GitHub, owner/name."""
        return [self._item(folder, name, project, version) for name in names]

    def _item(self, folder: str, name: str, project: str, version: str) -> dict[str, Any]:
        # Most are numbered in the order in which they are applied
        [file] = [
            file
            for file in (self.module.directory / KODATA / folder).iterdir()
            if file.name == name or (file.name[:1].isdigit() and file.name.partition("-")[2] == name)
        ]
        bucket = project.partition("/")[2]
        return {
            "name": name,
            "sha256": sha256_of(file),
            "sources": [
                {"url": f"https://github.com/{project}/releases/download/knative-v{version}/{name}"},
                {"url": f"https://storage.googleapis.com/knative-releases/{bucket}/previous/v{version}/{name}"},
                self.module.source(f"{KODATA}/{folder}/{file.name}"),
                {"image": self.image, "path": f"/var/run/ko/{folder}/{file.name}"},
            ],
        }


def metrics_server(version: str) -> list[dict[str, Any]]:
    """The release file, or the folder that it is built from."""
    module = Module(f"sigs.k8s.io/metrics-server@v{version}")
    overlay = module.directory / "manifests" / "overlays" / "release"
    built = subprocess.run(["kubectl", "kustomize", str(overlay)], capture_output=True, check=True).stdout
    site = f"https://github.com/kubernetes-sigs/metrics-server/releases/download/v{version}/components.yaml"
    folder = {"kind": "kustomize", "build": "overlays/release", "sha256": sha256_of(module.directory / "manifests")}
    return [
        {
            "name": "metrics-server components.yaml",
            "sources": [
                {"url": site, "sha256": hashlib.sha256(built).hexdigest()},
                module.source("manifests", **folder),
            ],
        }
    ]


def istio(version: str) -> list[dict[str, Any]]:
    """istioctl: no checksum of it is to be had here, so the lock of its image pins it, or the user's pin."""
    image = {"image": f"docker.io/istio/istioctl:{version}", "path": "/usr/local/bin/istioctl"}
    return [{"name": f"istioctl {version}", "kind": "istioctl", "sources": [image]}]


def istio_addons(version: str) -> list[dict[str, Any]]:
    """The addons of a commit, out of the pseudo-version of its module; the site has them under the commit."""
    module = Module(f"istio.io/istio@{version}")
    site = f"https://raw.githubusercontent.com/istio/istio/{version.rpartition('-')[2]}"
    paths = {name: f"samples/addons/{name}" for name in ADDONS}
    return [
        {
            "name": name,
            "sha256": sha256_of(module.directory / path),
            "sources": [{"url": f"{site}/{path}"}, module.source(path)],
        }
        for name, path in paths.items()
    ]


def content(chosen: argparse.Namespace) -> dict[str, dict[str, dict[str, list[dict[str, Any]]]]]:
    """The content of a set's components by version."""
    knative = Knative(chosen.operator)
    minor = ".".join(chosen.net_istio.split(".")[:2])
    serving, eventing = f"knative-serving/{chosen.serving}", f"knative-eventing/{chosen.eventing}"
    return {
        "metrics_server": {chosen.metrics_server: {"manifests": metrics_server(chosen.metrics_server)}},
        "istio": {
            chosen.istio: {"manifests": istio(chosen.istio), "addons": istio_addons(chosen.istio_module)},
        },
        "knative_serving": {
            chosen.serving: {
                "manifests": knative.items(serving, SERVING, "knative/serving", chosen.serving),
                "post_install": knative.items(serving, SERVING_POST, "knative/serving", chosen.serving),
            }
        },
        "knative_net_istio": {
            chosen.net_istio: {
                "manifests": knative.items(
                    f"ingress/{minor}/istio", ("net-istio.yaml",), "knative-extensions/net-istio", chosen.net_istio
                )
            }
        },
        "knative_eventing": {
            chosen.eventing: {
                "manifests": knative.items(eventing, EVENTING, "knative/eventing", chosen.eventing),
                "post_install": knative.items(eventing, EVENTING_POST, "knative/eventing", chosen.eventing),
            }
        },
    }


def release_set(chosen: argparse.Namespace) -> dict[str, Any]:
    """The set itself."""
    oldest, newest = chosen.kubernetes
    one: dict[str, Any] = {
        "name": chosen.name,
        "kubernetes": {"from": oldest, "to": newest},
        "versions": {
            "metrics_server": chosen.metrics_server,
            "istio": chosen.istio,
            "knative_serving": chosen.serving,
            "knative_net_istio": chosen.net_istio,
            "knative_eventing": chosen.eventing,
        },
        "works_with": {"istio": chosen.also_istio},
        "upgrade_from": chosen.upgrade_from,
        "offered": not chosen.not_offered,
    }
    return {key: value for key, value in one.items() if value not in ([], {"istio": []})}


def merged(document: dict[str, Any], new: dict[str, Any], items: dict[str, Any]) -> dict[str, Any]:
    """The data file's content with the new set, at the place of one of the same name, else at the end."""
    sets = list(document.get("sets") or [])
    names = [one["name"] for one in sets]
    if new["name"] in names:
        sets[names.index(new["name"])] = new
    else:
        sets.append(new)
    known = document.get("content") or {}
    used = {name: {one["versions"][name] for one in sets} for name in items}
    merged_items = {name: {**(known.get(name) or {}), **versions} for name, versions in items.items()}
    kept = {
        name: {version: merged_items[name][version] for version in merged_items[name] if version in used[name]}
        for name in merged_items
    }
    return {"sets": sets, "content": kept}


class _Indented(yaml.SafeDumper):
    """Lists are indented, as in the project's other YAML files."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """See the base."""
        super().increase_indent(flow, False)


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", help="name of the set")
    for option in ("serving", "eventing", "net-istio", "operator", "metrics-server", "istio"):
        parser.add_argument(f"--{option}", required=True, help="version, without v")
    parser.add_argument("--istio-module", required=True, help="the module's pseudo-version with the addons")
    parser.add_argument("--kubernetes", nargs=2, required=True, metavar=("OLDEST", "NEWEST"), help="as major.minor")
    parser.add_argument("--upgrade-from", nargs="*", default=[], help="sets that may stand before it")
    parser.add_argument("--also-istio", nargs="*", default=[], help="further minors of Istio that work with it")
    parser.add_argument("--not-offered", action="store_true", help="chosen by its name alone")
    parser.add_argument("--data", type=Path, default=DATA, help="the file; default: %(default)s")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> None:
    """Write the set into the data file."""
    chosen = parse(arguments)
    document = yaml.safe_load(chosen.data.read_text()) if chosen.data.exists() else {}
    document = merged(document or {}, release_set(chosen), content(chosen))
    chosen.data.parent.mkdir(parents=True, exist_ok=True)
    chosen.data.write_text(HEADER + yaml.dump(document, Dumper=_Indented, sort_keys=False, width=160))
    print(f"{chosen.data}: {', '.join(one['name'] for one in document['sets'])}")


if __name__ == "__main__":
    main(sys.argv[1:])
