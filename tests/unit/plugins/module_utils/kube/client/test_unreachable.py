"""What to do about an API server that is not reached."""

from __future__ import annotations

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.http.failures import FailureKind
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.unreachable import failure_kind, remedy
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import NoAnswer, ReleaseError, WaitError


@pytest.mark.parametrize("kind", FailureKind)
def test_each_failure_has_its_remedy_with_the_command_to_try(kind: FailureKind) -> None:
    told = remedy(kind, "kubectl --context 'a b'")
    assert told.endswith(". This must work first: kubectl --context 'a b' get nodes")
    assert len(told) > 100


def test_a_refused_connection_asks_whether_the_cluster_is_started() -> None:
    assert "Is the cluster started" in remedy(FailureKind.REFUSED, "kubectl")
    assert "NO_PROXY" in remedy(FailureKind.PROXY, "kubectl")


def test_what_sums_up_several_failures_is_known_for_what_they_come_of() -> None:
    refused = NoAnswer("GET /version: refused", kind=FailureKind.REFUSED)
    several = ReleaseError.of("reading what is there", [WaitError("not ready"), refused, refused])
    assert str(several) == "reading what is there: not ready\nGET /version: refused"
    assert failure_kind(several) is FailureKind.REFUSED
    try:
        raise WaitError("the upgrade is not taken back") from several
    except WaitError as error:
        assert failure_kind(error) is FailureKind.REFUSED
    assert failure_kind(ReleaseError.of("applying", [WaitError("not ready"), NoAnswer("half an answer")])) is None


def test_many_reasons_are_cut_short() -> None:
    several = ReleaseError.of("applying", [WaitError(f"reason {number}") for number in range(11)])
    assert str(several).splitlines()[-1] == "and 3 more"
