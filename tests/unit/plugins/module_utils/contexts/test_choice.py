"""What a kubeconfig tells of a context."""

from __future__ import annotations

from ansible_collections.selfhosted.serverless.plugins.module_utils.contexts.choice import is_lab
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.kubeconfig import Kubeconfig


def test_the_lab_is_known_by_what_it_wrote() -> None:
    config = Kubeconfig("/nowhere")
    extension = {"name": "lab", "extension": {"provider": "selfhosted.serverless"}}
    config.clusters.update({"ours": {"extensions": [extension]}, "theirs": {"server": "https://127.0.0.1:6443"}})
    config.contexts.update({"lab": {"cluster": "ours"}, "other": {"cluster": "theirs"}, "empty": {}})
    assert [is_lab(config, context) for context in ("lab", "other", "empty", "gone")] == [True, False, False, False]
