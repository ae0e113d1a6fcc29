"""The order in which a plan is carried out, on a real API server."""

from __future__ import annotations

import threading
import time

from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from api_server import ApiServer
from releases import definition, document, names, namespace, present

FINALIZER = "neighbours.example.org/hold"


def test_what_finalizers_need_is_there_while_a_definition_goes(
    cluster: Cluster, api_server: ApiServer, name: str
) -> None:
    """An ingress goes only while its Gateways are there; so do the objects of this definition."""
    group = f"{name}.example.org"
    held = definition(group, "Held")
    needed = document(f"{group}/v1", "Needed", "gateway")
    present(cluster, f"{name}-before", [namespace(name), held], prune=False)
    instance = document(f"{group}/v1", "Held", "theirs")
    instance["metadata"].update(namespace=name, finalizers=[FINALIZER])
    cluster.apply(instance, manager="somebody")
    cluster.delete("apiextensions.k8s.io/v1", "CustomResourceDefinition", f"helds.{group}")

    def let_go_when_needed_is_there() -> None:
        mine = Cluster.connect("test", str(api_server.kubeconfig))
        limit = time.monotonic() + 30
        while time.monotonic() < limit and not found(mine):
            time.sleep(0.2)
        if found(mine):
            mine.apply({**instance, "metadata": {"name": "theirs", "namespace": name}}, manager="somebody")

    def found(mine: Cluster) -> bool:
        mine.discovery.refresh()
        return mine.get(f"{group}/v1", "Needed", "gateway", name) is not None

    controller = threading.Thread(target=let_go_when_needed_is_there)
    controller.start()
    documents = [namespace(name), held, definition(group, "Needed"), needed]
    outcome = present(cluster, name, documents, seconds=40)
    controller.join()
    assert f"CustomResourceDefinition helds.{group}" in names(outcome.created)
