"""One option for both sides of a wall: what a network's name says of images, release files and packages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.selfhosted.serverless.plugins.action.settle import ActionModule
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.access import checked_places
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.go_proxies import proxy_list
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.policy import ImagePolicy
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.reference.reference import Reference
from ansible_collections.selfhosted.serverless.plugins.module_utils.options.networks import NETWORKS, of_network
from plays import play

ROOT = Path(__file__).resolve().parents[5]
# One of each registry that the releases take images from
IMAGES = ("docker.io/istio/pilot:1", "gcr.io/knative-releases/a:1", "registry.k8s.io/a:1", "quay.io/kiali/kiali:1")
SHOWN = ("images", "content_places", "go_proxy")


def test_the_specs_offer_the_networks_that_there_are() -> None:
    specs = yaml.safe_load((ROOT / "roles/serverless/meta/argument_specs.yml").read_text(encoding="utf-8"))
    assert set(specs["argument_specs"]["main"]["options"]["serverless_network"]["choices"]) == set(NETWORKS)


@pytest.mark.parametrize("name", NETWORKS)
def test_what_a_network_says_is_accepted_where_it_is_used(name: str) -> None:
    policy = ImagePolicy.from_config(of_network(name, "images"))
    places = {image: [str(one.reference) for one in policy.candidates(Reference.parse(image))] for image in IMAGES}
    if name == "direct":
        assert places == {image: [image] for image in IMAGES}
    else:
        assert places == {image: [f"m.daocloud.io/{image}"] for image in IMAGES}
    assert checked_places(of_network(name, "content_places")) is not None
    assert all(proxy.url.startswith("https://") for proxy in proxy_list(of_network(name, "go_proxy")))
    assert of_network(name, "pip_index_url").startswith("https://") or name == "direct"


def shown(directory: Path, *options: str) -> dict[str, Any]:
    """What a role sees of the options that a network says."""
    role = {"name": "selfhosted.serverless.serverless", "public": True}
    values = {name: f"{{{{ serverless_{name} }}}}" for name in SHOWN}
    tasks = [{"ansible.builtin.include_role": role}, {"ansible.builtin.debug": {"msg": values}}]
    result, _output = play(directory, tasks, *options)
    return dict(result["msg"])


def test_roles_have_what_the_network_says_and_the_user_does_not(tmp_path: Path) -> None:
    assert shown(tmp_path) == {name: of_network("direct", name) for name in SHOWN}
    typed = ("-e", "serverless_network=china", "-e", "serverless_go_proxy=https://proxy.example")
    expected = {**{name: of_network("china", name) for name in SHOWN}, "go_proxy": "https://proxy.example"}
    assert shown(tmp_path, *typed) == expected


@pytest.mark.parametrize(
    ("variables", "images"),
    [
        ({}, {}),
        ({"serverless_network": "china"}, of_network("china", "images")),
        ({"serverless_network": "china", "serverless_images": {"mode": "runtime"}}, {"mode": "runtime"}),
    ],
)
def test_tasks_outside_of_roles_have_it_too(variables: dict[str, Any], images: dict[str, Any]) -> None:
    action = ActionModule.__new__(ActionModule)
    action.variables = variables
    action._templar = Templar(loader=DataLoader(), variables=variables)
    assert (action._of_inventory({"images": ("serverless_images",)})["images"] or {}) == images
