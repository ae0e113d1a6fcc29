"""What a release remembers of its objects, in the form of today and of before."""

from __future__ import annotations

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import ReleaseError
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.inventory.inventory import (
    Entry,
    Inventory,
    holders,
    residents,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.inventory.ownership import Origin
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.inventory.store import (
    inventory_name,
    read_inventories,
    read_inventory,
    write_inventory,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.objects import ObjectRef
from fault_proxy import Fault, FaultProxy
from releases import config_map, namespace, present

CLAIM = ObjectRef("v1", "PersistentVolumeClaim", "todo", "database")
SPACE = ObjectRef("v1", "Namespace", "", "todo")
LIMIT = Deadline(60)


@pytest.mark.parametrize(
    "entry",
    [
        Entry(SPACE),
        Entry(SPACE, Origin.ADOPTED, "u-1"),
        Entry(CLAIM, Origin.CREATED, "u-2", is_data=True),
        Entry(CLAIM, Origin.SHARED, "", is_data=True),
    ],
)
def test_a_line_says_all_of_an_entry(entry: Entry) -> None:
    assert Entry.from_line(entry.to_line()) == entry


def test_lines_of_the_first_form_are_understood() -> None:
    assert Entry.from_line("v1 Namespace - todo") == Entry(SPACE)
    assert Entry.from_line("v1 PersistentVolumeClaim todo database") == Entry(CLAIM, is_data=True)


def test_holders_and_residents() -> None:
    first = Inventory("a", frozenset({Entry(SPACE)}))
    second = Inventory("b", frozenset({Entry(CLAIM)}))
    assert holders(SPACE.identity, [first, second]) == ["a"]
    assert residents("todo", [first, second]) == ["a", "b"]


def test_what_is_written_is_read(cluster: Cluster, name: str) -> None:
    inventory = Inventory(
        name, frozenset({Entry(CLAIM, uid="u", is_data=True)}), "2", "3", "1", ("one-release", "another-release")
    )
    write_inventory(cluster, inventory, "kube-system", LIMIT)
    assert read_inventory(cluster, name, "kube-system", LIMIT) == inventory


def test_a_damaged_inventory_is_named(cluster: Cluster, name: str) -> None:
    write_inventory(cluster, Inventory(name), "kube-system", LIMIT)
    body = {"data": {"objects": "v1 ConfigMap"}}
    path = f"/api/v1/namespaces/kube-system/configmaps/{inventory_name(name)}"
    cluster.transport.call("PATCH", path, body=body, content_type="application/merge-patch+json")
    try:
        with pytest.raises(ReleaseError, match=rf"the inventory of '{name}', has a line that is not understood"):
            read_inventory(cluster, name, "kube-system", LIMIT)
    finally:
        cluster.delete("v1", "ConfigMap", inventory_name(name), "kube-system")


def test_a_copy_of_an_inventory_is_none(cluster: Cluster, name: str) -> None:
    """A backup that somebody made beside it, with its label."""
    first = Inventory(name, frozenset({Entry(ObjectRef("v1", "ConfigMap", name, "a"))}))
    write_inventory(cluster, first, "kube-system", Deadline(10))
    copy = cluster.get("v1", "ConfigMap", f"release-{name}", "kube-system")
    metadata = {"name": f"release-{name}-backup", "namespace": "kube-system", "labels": copy["metadata"]["labels"]}
    cluster.apply({**copy, "metadata": metadata}, manager="someone")
    second = Inventory(name, frozenset({Entry(ObjectRef("v1", "ConfigMap", name, "b"))}))
    write_inventory(cluster, second, "kube-system", Deadline(10))
    found = [one for one in read_inventories(cluster, "kube-system", Deadline(10)) if one.release == name]
    assert found == [second]


def test_the_version_that_stands_is_kept_beside_the_one_that_is_applied(
    cluster: Cluster, proxied: Cluster, fault_proxy: FaultProxy, name: str
) -> None:
    documents = [namespace(name), config_map("a", {"x": "1"})]
    present(cluster, name, documents, version="1", requires=("istio",))
    stored = read_inventory(cluster, name, "kube-system", LIMIT)
    assert (stored.version, stored.applying, stored.requires) == ("1", "", ("istio",))
    live = cluster.get("v1", "ConfigMap", "a", name)
    assert stored.by_identity["", "ConfigMap", name, "a"].uid == live["metadata"]["uid"]

    fault_proxy.faults.append(Fault("PATCH", r"configmaps/a\?(?!.*dryRun)", 500, times=1000))
    with pytest.raises(ReleaseError):
        present(proxied, name, [namespace(name), config_map("a", {"x": "2"})], version="2", seconds=3)
    stored = read_inventory(cluster, name, "kube-system", LIMIT)
    assert (stored.version, stored.applying) == ("1", "2")
    present(cluster, name, [namespace(name), config_map("a", {"x": "2"})], version="2")
    stored = read_inventory(cluster, name, "kube-system", LIMIT)
    assert (stored.version, stored.applying) == ("2", "")
