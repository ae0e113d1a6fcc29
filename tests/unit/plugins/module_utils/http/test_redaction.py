"""Secrets are taken out of what others say, however they write them."""

from __future__ import annotations

import base64
import html
import json
import time
from collections.abc import Callable
from urllib.parse import quote

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.http.redaction import conceal, conceal_text

PASSWORDS = [
    "p&ss<w>\"o'rd/42",
    "p\u00e4$$w0rd\\x\U0001f511",
    "two\nlines of it",
    "a~b_c!*()+%41",
    "\u20ac\udce9-bytes",
]
WRITERS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "JSON": json.dumps,
    "JSON by Go": lambda text: "".join(rf"\u{ord(c):04x}" if c in "<>&" else json.dumps(c)[1:-1] for c in text),
    "JSON by PHP": lambda text: json.dumps(text).replace("/", r"\/"),
    "JSON in JSON": lambda text: json.dumps(json.dumps(text)),
    "HTML": html.escape,
    "HTML by Go": lambda text: html.escape(text).replace("&quot;", "&#34;").replace("&#x27;", "&#39;"),
    "XML": lambda text: html.escape(text).replace("&#x27;", "&apos;"),
    "HTML in HTML": lambda text: html.escape(html.escape(text)),
    "decimal": lambda text: "".join(c if c.isalnum() else f"&#{ord(c)};" for c in text),
    "URL": lambda text: quote(text, safe="", errors="surrogateescape"),
    "URL in URL": lambda text: quote(quote(text, safe="", errors="surrogateescape"), safe=""),
    "URL, half": lambda text: quote(text, safe="/&<>()!*", errors="surrogateescape").lower(),
    "base64": lambda text: base64.b64encode(text.encode(errors="surrogateescape")).decode(),
    "base64 for URLs": lambda text: (
        base64.urlsafe_b64encode(text.encode(errors="surrogateescape")).decode().rstrip("=")
    ),
    "blanks": lambda text: " ".join(text.split()),
    "repr": lambda text: repr(text)[1:-1],
}


@pytest.mark.parametrize("password", PASSWORDS, ids=range(len(PASSWORDS)))
@pytest.mark.parametrize("writer", WRITERS)
def test_a_secret_in_all_its_forms(writer: str, password: str) -> None:
    password = password.lower() if writer == "URL, half" else password
    said = f"it is {WRITERS[writer](password)}, is it?".encode(errors="surrogateescape")
    shown = conceal(said, [password]).replace(b'"', b"").replace(b"\\", b"").replace(b"=", b"")
    assert shown == b"it is ***, is it?"


def test_other_words_stay() -> None:
    said = "no pass word, pass%word, pass&#32;wort or \\pass-word is it: \u20ac 100 \udce9"
    assert conceal_text(said, ["pass word", "abc", ""]) == said.replace("pass word", "***").replace("\udce9", "\ufffd")


@pytest.mark.parametrize("said", ["\\", "&amp;", "%25", "a\\", "&"])
def test_long_answers_cost_no_time(said: str) -> None:
    started = time.process_time()
    conceal(said.encode() * 60_000, ["a&b%c\\d e" * 4])
    assert time.process_time() - started < 5.0
