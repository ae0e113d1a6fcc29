"""How long a server asks to be left alone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.http.backoff import parse_retry_after
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.backoff import (
    limit_text,
    retry_after,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.failures import of_status

NOW = datetime(2026, 1, 1, tzinfo=UTC)
UNIX = int(NOW.timestamp()) + 90


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("120", 120),
        ("0.5", 0.5),
        (str(UNIX), 90),
        (f"{UNIX}000", 90),
        (f"{UNIX - 900}", 0),
        ("Thu, 01 Jan 2026 00:01:30 GMT", 90),
        ("Thursday, 01-Jan-26 00:01:30 GMT", 90),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        ("30, 30", None),
        ("30s", None),
        ("-5", None),
        ("\u00b2", None),
        ("Wed, 21 Oct 99999 07:28:00 GMT", None),
        ("", None),
    ],
)
def test_pauses(said: str, seconds: float | None) -> None:
    assert parse_retry_after(said, NOW) == seconds


@pytest.mark.parametrize("name", ["Retry-After", "RateLimit-Reset", "X-RateLimit-Reset"])
@pytest.mark.parametrize("said", ["9" * 400, "1" + "0" * 20, "9" * 14])
def test_a_pause_beyond_all_calendars_can_be_told(name: str, said: str) -> None:
    assert of_status("r", 429, {name: said}, b"").retry_after is not None


def test_a_limit_s_end_by_the_registry_s_clock() -> None:
    date = {"Date": "Thu, 01 Jan 2026 00:00:00 GMT"}
    assert retry_after({**date, "X-RateLimit-Reset": f"{UNIX}000"}) == 90


@pytest.mark.parametrize("said", ["\u00b2;w=60", f"{'9' * 5000};w=60", "60;w=\u00b2"])
def test_a_limit_that_is_no_number_is_not_told(said: str) -> None:
    assert limit_text({"RateLimit-Limit": said}) == ""
