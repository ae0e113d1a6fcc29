"""Headers of 401 answers, as RFC 9110 allows them and as they occur."""

from __future__ import annotations

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.challenges import (
    Challenge,
    parse_challenges,
)

BEARER = Challenge("bearer", {"realm": "https://r/token", "service": "s", "scope": "repository:a:pull,push"})
BEARER_TEXT = 'Bearer realm="https://r/token",service="s",scope="repository:a:pull,push"'
BASIC = Challenge("basic", {"realm": "a, b"})


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("", []),
        (BEARER_TEXT, [BEARER]),
        (f'{BEARER_TEXT}, Basic realm="a, b"', [BEARER, BASIC]),
        (f'Basic realm="a, b", {BEARER_TEXT}', [BEARER, BASIC]),
        (f'Negotiate, {BEARER_TEXT},Basic realm="a, b"', [BEARER, BASIC, Challenge("negotiate")]),
        ('Negotiate, Basic realm="a, b"', [BASIC, Challenge("negotiate")]),
        ('Negotiate YIIBhwYJKoZI==, Basic realm="a, b"', [BASIC, Challenge("negotiate")]),
        ('Basic realm="a, b", Negotiate', [BASIC, Challenge("negotiate")]),
        ('BASIC REALM="a, b"', [BASIC]),
        ("Basic", [Challenge("basic")]),
        (
            "Bearer realm=https://r/token, service=s",
            [Challenge("bearer", {"realm": "https://r/token", "service": "s"})],
        ),
        ('Bearer realm="r" service="s"', [Challenge("bearer", {"realm": "r", "service": "s"})]),
        ('Bearer realm="r",error="insufficient_scope",scope=""', None),
        (r'Basic realm="a \"quoted\" one"', [Challenge("basic", {"realm": 'a "quoted" one'})]),
        ('Digest qop="auth", nonce=x, Basic realm="a, b"', [BASIC, Challenge("digest", {"qop": "auth", "nonce": "x"})]),
        (',, realm="lost"', []),
        ("(" + "a" * 60_000 + '(, Basic realm="a, b"', [BASIC]),
        ('Bearer realm="not closed', [Challenge("bearer", {"realm": ""})]),
    ],
)
def test_challenges(header: str, found: list[Challenge] | None) -> None:
    if found is None:
        found = [Challenge("bearer", {"realm": "r", "error": "insufficient_scope", "scope": ""})]
    assert [(item.scheme, dict(item.parameters)) for item in parse_challenges(header)][: len(found)] == [
        (item.scheme, dict(item.parameters)) for item in found
    ]
    assert len(parse_challenges(header)) >= len(found) and bool(parse_challenges(header)) == bool(found)
