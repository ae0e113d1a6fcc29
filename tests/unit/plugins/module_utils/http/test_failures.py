"""What a broken connection is called."""

from __future__ import annotations

import http.client

import pytest
import urllib3
from ansible_collections.selfhosted.serverless.plugins.module_utils.http.failures import Failure, FailureKind, describe


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (http.client.IncompleteRead(b"abc", 4), "the answer ends after 3 bytes, 4 are missing"),
        (http.client.IncompleteRead(b"abc"), "the answer ends after 3 bytes"),
        (urllib3.exceptions.IncompleteRead(173, 1173), "the answer ends after 173 bytes, 1173 are missing"),
        (http.client.RemoteDisconnected("Remote end closed connection"), "Remote end closed connection"),
        (ConnectionResetError(104, "Connection reset by peer"), "Connection reset by peer"),
    ],
)
def test_told_without_the_names_of_exceptions(error: Exception, told: str) -> None:
    wrapped = urllib3.exceptions.ProtocolError(f"Connection broken: {error!r}", error)
    wrapped.__cause__ = error
    assert describe(wrapped) == describe(error) == Failure(FailureKind.BROKEN, told)
