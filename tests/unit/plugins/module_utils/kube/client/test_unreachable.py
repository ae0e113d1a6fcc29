"""What to do about an API server that is not reached."""

from __future__ import annotations

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.http.failures import FailureKind
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.unreachable import remedy


@pytest.mark.parametrize("kind", FailureKind)
def test_each_failure_has_its_remedy_with_the_command_to_try(kind: FailureKind) -> None:
    told = remedy(kind, "kubectl --context 'a b'")
    assert told.endswith(". This must work first: kubectl --context 'a b' get nodes")
    assert len(told) > 100


def test_a_refused_connection_asks_whether_the_cluster_is_started() -> None:
    assert "Is the cluster started" in remedy(FailureKind.REFUSED, "kubectl")
    assert "NO_PROXY" in remedy(FailureKind.PROXY, "kubectl")
