"""Argument specs out of the documentation of modules."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.run import RUNS
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.copy.fetch import LIMITS
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.detection import DELIVERIES
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.runtimes import RUNTIMES
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.documentation import PLUGINS, options_of
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.documented_action import DocumentedAction

ROOT = Path(__file__).resolve().parents[4]
ACTIONS = sorted(path.stem for path in (ROOT / "plugins" / "action").glob("*.py"))


@pytest.mark.parametrize("name", ACTIONS)
def test_every_action_has_the_options_of_its_module(name: str) -> None:
    action = import_module(f"{PLUGINS}.action.{name}").ActionModule
    assert issubclass(action, DocumentedAction)
    result = ArgumentSpecValidator(options_of(name).spec, **action.rules).validate({"surely_unknown": 1})
    assert "surely_unknown" in result.error_messages[-1] + result.error_messages[0]


def test_modules_and_actions_are_the_same() -> None:
    assert sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py")) == ACTIONS


def test_fragments_and_suboptions_are_resolved() -> None:
    spec = options_of("release").spec
    assert spec["kubeconfig"] == {"type": "path"}
    assert spec["state"] == {"type": "str", "choices": ["present", "absent"], "default": "present"}
    assert spec["ignore_fields"]["options"]["match"]["options"]["kind"] == {"type": "str"}
    assert spec["ignore_fields"]["options"]["pointers"] == {"type": "list", "elements": "str", "required": True}
    assert options_of("image_diagnose").spec["nodes"]["options"]["exec"]["required"] is True


def test_what_documentation_repeats_is_what_the_code_has() -> None:
    assert options_of("drill").spec["drill"]["choices"] == list(RUNS)
    nodes = options_of("image_deliver").spec
    assert sorted(nodes["delivery"]["choices"]) == sorted(DELIVERIES)
    assert nodes["nodes"]["options"]["runtime"]["choices"] == list(RUNTIMES)
    for name in ("image_fetch", "image_sync"):
        spec = options_of(name).spec
        assert (spec["parallel"]["default"], spec["parallel_per_host"]["default"]) == (LIMITS.streams, LIMITS.per_host)


def test_the_action_group_has_every_action_on_a_cluster() -> None:
    runtime = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())
    assert runtime["action_groups"]["cluster"] == [name for name in ACTIONS if "context" in options_of(name).spec]


def test_documentation_is_read_when_the_class_is_loaded() -> None:
    # Ansible loads it before it forks a worker for each task, so that no task parses it again
    action = import_module(f"{PLUGINS}.action.release").ActionModule
    assert action.__dict__["options"] is options_of("release")


def test_only_options_of_the_shared_fragments_are_left_to_the_inventory() -> None:
    assert options_of("release").variables == {
        "context": ("serverless_context", "inventory_hostname"),
        "kubeconfig": ("serverless_kubeconfig",),
        "openshift_login": ("serverless_openshift_login",),
        "images": ("serverless_images",),
        "rate_limit_wait": ("serverless_rate_limit_wait",),
        "rollback": ("serverless_upgrade_rollback",),
    }
    # An option of the same name that means something else
    assert options_of("lab_stock").variables == {} and options_of("lab_stock").spec["images"]["type"] == "list"
