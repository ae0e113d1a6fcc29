"""The manifests of the role, rendered by Ansible's own templating."""

from __future__ import annotations

import json

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from todo_servers import APP

ROLE = APP.parents[1]
IMAGE = "127.0.0.1:5001/todo/app@sha256:" + "a" * 64


@pytest.fixture
def rendered():
    """Renders a template of the role with its defaults and the given variables."""

    def render(template: str, **changed: object) -> str:
        loader = DataLoader()
        loader.set_basedir(str(ROLE))
        variables = {"inventory_hostname": "here"}
        for file in ("defaults/main.yml", "vars/main.yml"):
            variables |= loader.load_from_file(str(ROLE / file), cache="none", trusted_as_template=True)
        templar = Templar(loader, variables=variables | {"todo_image": IMAGE} | changed)
        text = (ROLE / "templates" / template).read_text()
        search_path = [str(ROLE / "templates")]
        with templar.set_temporary_context(searchpath=search_path):
            return templar.template(trust_as_template(text))

    return render


def documents(text):
    return {(item["kind"], item["metadata"]["name"]): item for item in yaml.safe_load_all(text) if item}


def test_without_an_image_only_what_others_deliver(rendered):
    found = documents(rendered("todo.yml.j2", todo_image=""))
    assert set(found) == {
        ("Namespace", "todo"),
        ("PersistentVolumeClaim", "database"),
        ("Service", "database"),
        ("StatefulSet", "database"),
    }


def test_which_services_are_public_and_which_sleep(rendered):
    found = documents(rendered("todo.yml.j2"))
    services = {name: found["Service", name] for name in ("web", "rule", "user")}
    local = {name for name, item in services.items() if item["metadata"].get("labels")}
    assert local == {"rule", "user"}
    scale = "autoscaling.knative.dev/min-scale"
    minimum = {name: item["spec"]["template"]["metadata"]["annotations"][scale] for name, item in services.items()}
    assert minimum == {"web": "1", "rule": "0", "user": "0"}
    for item in services.values():
        (container,) = item["spec"]["template"]["spec"]["containers"]
        assert container["image"] == IMAGE
        assert container["securityContext"]["runAsUser"] == 65532
        assert container["securityContext"]["readOnlyRootFilesystem"] is True


def test_the_password_is_in_no_manifest(rendered):
    text = rendered("todo.yml.j2")
    assert "kind: Secret" not in text
    assert text.count("/run/secrets/database/password") == 2


def revisions(rendered, **changed):
    return json.loads(rendered("user_revisions.json.j2", **changed))


def test_the_traffic_names_both_revisions(rendered):
    names = revisions(rendered, todo_user_traffic={"v1": 90, "v2": 10})
    user = documents(rendered("todo.yml.j2", todo_user_traffic={"v1": 90, "v2": 10}))["Service", "user"]["spec"]
    assert user["template"]["metadata"]["name"] == names["v2"]
    assert [(part["revisionName"], part["percent"], part["tag"]) for part in user["traffic"]] == [
        (names["v1"], 90, "v1"),
        (names["v2"], 10, "v2"),
    ]


def test_the_first_step_makes_v1_alone(rendered):
    user = documents(rendered("todo.yml.j2", __todo_user_latest="v1"))["Service", "user"]["spec"]
    assert user["template"]["metadata"]["name"] == revisions(rendered)["v1"]
    assert user["traffic"] == [{"latestRevision": True, "percent": 100}]
    assert user["template"]["spec"]["containers"][0]["env"] == [{"name": "USER_VERSION", "value": "v1"}]


@pytest.mark.parametrize(
    "changed", [{"todo_image": "x/y@sha256:0"}, {"todo_window": "60s"}, {"todo_resources": {}}, {"todo_max_scale": 5}]
)
def test_another_content_gets_another_name(rendered, changed):
    before, after = revisions(rendered), revisions(rendered, **changed)
    assert before["v1"] != after["v1"] and before["v2"] != after["v2"]
    assert revisions(rendered, todo_user_traffic={"v1": 0, "v2": 100}) == before


def test_the_volume_is_prepared_only_where_asked(rendered):
    prepared = documents(rendered("todo.yml.j2"))["StatefulSet", "database"]["spec"]["template"]["spec"]
    plain = documents(rendered("todo.yml.j2", todo_database_prepare_volume=False))
    assert prepared["initContainers"][0]["securityContext"]["capabilities"] == {"drop": ["ALL"], "add": ["CHOWN"]}
    assert "initContainers" not in plain["StatefulSet", "database"]["spec"]["template"]["spec"]


def test_injection_and_storage_class(rendered):
    found = documents(rendered("todo.yml.j2", todo_istio_injection=True, todo_database_storage_class="fast"))
    assert found["Namespace", "todo"]["metadata"]["labels"] == {"istio-injection": "enabled"}
    assert found["PersistentVolumeClaim", "database"]["spec"]["storageClassName"] == "fast"
