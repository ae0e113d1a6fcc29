"""What to do about registries that are not reached."""

from __future__ import annotations

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.errors import Reason
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.plan.choice import Failure
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.plan.remedies import remedies


def failure(place: str, reason: Reason) -> Failure:
    return Failure("mirror", place, str(reason), "it says so")


def test_each_registry_is_told_once() -> None:
    failures = [failure(f"mirror.example:5000/{name}:1", Reason.REFUSED) for name in "abc"]
    failures.append(failure("other.example/a:1", Reason.DNS))
    first, second = remedies(failures)
    assert first.startswith("mirror.example:5000: connection refused: nothing listens there")
    assert second.startswith("other.example: name not resolved: correct the name")


@pytest.mark.parametrize("reason", [Reason.NOT_FOUND, Reason.RATE_LIMIT, Reason.LOGIN, Reason.DIGEST])
def test_what_a_registry_itself_says_needs_none(reason: Reason) -> None:
    assert remedies([failure("mirror.example/a:1", reason)]) == []


@pytest.mark.parametrize("reason", [Reason.TIMEOUT, Reason.TLS, Reason.PROXY, Reason.BROKEN])
def test_what_is_in_the_way_has_one(reason: Reason) -> None:
    (told,) = remedies([failure("mirror.example/a:1", reason)])
    assert told.startswith(f"mirror.example: {reason}: ")
