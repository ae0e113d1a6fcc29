"""What stands in a report can do no harm to those who read it."""

from __future__ import annotations

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.report.clean import clean, clean_text

SECRET = "s3cr3t-canary-1"


@pytest.mark.parametrize(
    "text",
    [
        f"https://user:{SECRET}@registry.example/v2/",
        f"GET https://storage.example/key?X-Amz-Signature={SECRET}&x=1 failed",
        f"Authorization: Bearer {SECRET}A",
        f'{{"password": "{SECRET}"}}',
        f"token={SECRET}",
    ],
)
def test_no_credential_stays_wherever_it_stands(text: str) -> None:
    assert SECRET not in clean_text(text)
    assert SECRET not in str(clean({"a": [{"b": text}, (text,)], text: 1}))


def test_other_values_stay_as_they_are() -> None:
    value = {"a": [1, 2.5, None, True], "digest": "sha256:" + "a" * 64, "b": {"c": "Kubernetes v1.36.3\n\tit runs"}}
    assert clean(value) == value


@pytest.mark.parametrize("code", [0x00, 0x07, 0x1B, 0x7F, 0x9B, 0xD800, 0xDFFF, 0x202E, 0x2066, 0x200F, 0xFFFF])
def test_what_is_not_seen_is_shown(code: int) -> None:
    assert clean_text(f"a{chr(code)}b") == "a\ufffdb"
    assert clean_text(f"a{chr(code)}b").encode()


def test_line_breaks_of_any_system_stay_breaks() -> None:
    assert clean_text("a\r\nb\nc") == "a\nb\nc"
