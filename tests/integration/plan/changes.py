"""The changes whose plans are compared with what was written, in the order in which they are made."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..conftest import Site

RELEASE = str(Path(__file__).with_name("release.yml"))
NAMESPACE = ("-n", "plan-test")


def nothing(site: Site) -> None:
    """Nothing by hand."""


@dataclass(frozen=True)
class Change:
    """`by_hand` is done first; then the run with `arguments`, before and beside which `meanwhile` happens.

    `expected` are steps that the plan must have: the action for an object.
    """

    name: str
    arguments: tuple[str, ...]
    by_hand: Callable[[Site], Any] = nothing
    meanwhile: Callable[[Site], Any] = nothing
    expected: tuple[tuple[str, str], ...] = ()
    refused: bool = False


def release(**variables: Any) -> tuple[str, ...]:
    """Arguments for a run of the tests' own release."""
    return (RELEASE, "-e", json.dumps(variables))


def role(name: str, playbook: str = "site.yml", **variables: Any) -> tuple[str, ...]:
    """Arguments for a run of one role."""
    return (playbook, "--tags", name, "-e", json.dumps(variables))


def delete_settings(site: Site) -> None:
    site.kubectl("delete", "configmap", "settings", *NAMESPACE)


def remove_a_key(site: Site) -> None:
    patch = '[{"op": "remove", "path": "/data/size"}]'
    site.kubectl("patch", "configmap", "settings", *NAMESPACE, "--type=json", "-p", patch)


def change_a_key(site: Site) -> None:
    site.kubectl("patch", "configmap", "settings", *NAMESPACE, "--type=merge", "-p", '{"data": {"colour": "red"}}')


def scale(site: Site) -> None:
    site.kubectl("scale", "deployment", "main", *NAMESPACE, "--replicas=2")


def create_theirs(site: Site) -> None:
    site.kubectl("create", "configmap", "theirs", *NAMESPACE, "--from-literal=size=9")


def delete_with_finalizer(site: Site) -> None:
    """Leave an object that is being deleted and held."""
    hold = '{"metadata": {"finalizers": ["neighbours.example.org/hold"]}}'
    site.kubectl("patch", "configmap", "settings", *NAMESPACE, "--type=merge", "-p", hold)
    site.kubectl("delete", "configmap", "settings", *NAMESPACE, "--wait=false")


def let_go_soon(site: Site) -> None:
    """Take the finalizer off while the run is at work."""

    def let_go() -> None:
        time.sleep(6)
        free = '{"metadata": {"finalizers": null}}'
        site.kubectl("patch", "configmap", "settings", *NAMESPACE, "--type=merge", "-p", free, check=False)

    threading.Thread(target=let_go, daemon=True).start()


GROWN = {"registry_secret_namespaces": ["plan-one", "plan-two"]}
SHRUNK = {"registry_secret_namespaces": ["plan-one"]}
SETTINGS = "ConfigMap plan-test/settings"

CHANGES = (
    Change("fresh cluster", release(), expected=(("create", "Namespace plan-test"), ("create", SETTINGS))),
    Change("nothing to change", release(), expected=(("keep", SETTINGS),)),
    Change(
        "new version",
        release(chart_file="second", chart_version="2"),
        expected=(
            ("change", SETTINGS),
            ("delete", "ConfigMap plan-test/dropped"),
            ("create", "ConfigMap plan-test/new"),
        ),
    ),
    Change(
        "object deleted by hand",
        release(chart_file="second", chart_version="2"),
        delete_settings,
        expected=(("create", SETTINGS),),
    ),
    Change(
        "key removed by hand",
        release(chart_file="second", chart_version="2"),
        remove_a_key,
        expected=(("change", SETTINGS),),
    ),
    Change("field that a user may change", release(chart_file="second", chart_version="2"), scale),
    Change("key changed by hand", release(chart_file="second", chart_version="2"), change_a_key, refused=True),
    Change(
        "key changed by hand, taken back",
        release(chart_file="second", chart_version="2", chart_force=True),
        expected=(("change", SETTINGS),),
    ),
    Change(
        "secret rotated",
        release(chart_file="second", chart_version="2", chart_token="two"),
        expected=(("change", "Secret plan-test/token"), ("keep", "Secret plan-test/password")),
    ),
    Change(
        "adopted object",
        release(chart_file="third", chart_version="3", chart_token="two"),
        create_theirs,
        expected=(("adopt", "ConfigMap plan-test/theirs"),),
    ),
    Change(
        "terminating object",
        release(chart_file="third", chart_version="3", chart_token="two"),
        delete_with_finalizer,
        let_go_soon,
    ),
    Change(
        "release absent, adopted object given back",
        release(chart_state="absent"),
        expected=(("give back", "ConfigMap plan-test/theirs"), ("delete", SETTINGS)),
    ),
    Change("role fresh", role("registry_secret", **SHRUNK), expected=(("create", "Secret plan-one/registry"),)),
    Change("list grown", role("registry_secret", **GROWN), expected=(("create", "Secret plan-two/registry"),)),
    Change(
        "option changed",
        role("registry_secret", serverless_registry_username="other", **GROWN),
        expected=(("change", "Secret plan-one/registry"),),
    ),
    Change(
        "list shrunk",
        role("registry_secret", serverless_registry_username="other", **SHRUNK),
        expected=(("delete", "Secret plan-two/registry"),),
    ),
    Change("role absent", role("registry_secret", "playbooks/uninstall.yml")),
)
