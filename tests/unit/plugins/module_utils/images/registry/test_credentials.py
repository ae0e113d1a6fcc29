"""No credential is in any text of a failure: not in messages, not in tracebacks, whatever a registry repeats."""

from __future__ import annotations

import base64
import html
import io
import json
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.http.redaction import redact
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.errors import (
    ImageError,
    Reason,
    RegistryError,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.settings import RegistrySettings
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry import uploads
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.backoff import Backoff
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.blobs import (
    fetch_blob,
    has_blob,
    read_blob,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.client import Registry
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.manifests import (
    Descriptor,
    digest_of,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.uploads import push_blob
from faulty_registry import FaultyRegistry, Handler
from sample_images import LAYER, SampleImage

IMAGE = SampleImage()
BLOB = Descriptor(LAYER, digest_of(IMAGE.layer), len(IMAGE.layer))
SIGNED = "sig-canary-3d"
TOKEN = "tok-canary/7f+e="
PASSWORDS = {"plain": "pw-canary-1a", "odd": "pw-canary 1a/&?=\u00e9", "short of base64": "pw-canary-1"}
FAST = Backoff(attempts=1, first_pause=0.01, longest_pause=0.02, connect_timeout=2.0, read_timeout=2.0, patience=0.0)
Answerer = Callable[[Handler, str], None]


def canaries(password: str) -> list[str]:
    """All forms in which a credential must not be seen."""
    login = f"user:{password}"
    forms = [base64.b64encode(text.encode()).decode().rstrip("=") for text in (login, password, TOKEN)]
    return ["canary", *forms, quote(password, safe=""), quote(TOKEN, safe="")]


def storage(host: str) -> str:
    return f"http://{host}/storage?X-Amz-Credential={SIGNED}&X-Amz-Signature={SIGNED}&sig={SIGNED}&token={SIGNED}"


def echoes(handler: Handler, password: str) -> dict[str, str]:
    """What careless registries and the servers before them say."""
    sent = handler.headers.get("Authorization", f"Basic {base64.b64encode(f'user:{password}'.encode()).decode()}")
    quoted = sent.replace('"', "")
    return {
        "header": f"bad header Authorization: {sent}",
        "json": f'{{"errors":[{{"code":"DENIED","message":"{quoted} is not known here"}}]}}',
        "fields": f'{{"token":"{TOKEN}","password":"{SIGNED}","access_token": "{SIGNED}"}}',
        "form": f"grant_type=password&username=user&password={quote(password)}&secret={SIGNED}",
        "encoded": f"not this: {quote(sent, safe='')} {quote(password, safe='')}",
        "half encoded": f"not {quote(password)} {quote_plus(password, safe='/')} {quote(password, safe='').lower()}",
        "in JSON": f"not this: {json.dumps(password)} {html.escape(password)} {password!r}",
        "decoded": f"user user with {password} is not known",
        "cut": f"{'x' * 290}{sent}",
        "cut address": f"{'x' * 285}{storage('storage.invalid')}",
        "address": f"see https://user:{SIGNED}@registry.invalid/v2/?a={SIGNED} and {storage('storage.invalid')}",
        "relative": f"no such key: /bucket/key?X-Goog-Signature={SIGNED}&X-Goog-Credential={SIGNED}",
        "lines": f"first line\r\nX-Registry-Auth: x\r\nAuthorization: {sent}\r\nCookie: session={SIGNED}9",
    }


def told(kind: str, status: int) -> Answerer:
    return lambda handler, password: handler.reply(status, echoes(handler, password)[kind].encode("utf-8", "replace"))


def sent_to(location: str) -> Answerer:
    return lambda handler, password: handler.reply(
        307, b"", {"Location": location.replace("HERE", handler.registry.host)}
    )


def begun_at(location: str) -> Answerer:
    """An upload that begins there; a redirect for what is read."""

    def answer(handler: Handler, password: str) -> None:
        handler.reply(202 if handler.command == "POST" else 308, b"", {"Location": location})

    return answer


def challenged(realm: str) -> Answerer:
    return lambda handler, password: handler.reply(
        401, b"", {"WWW-Authenticate": f'Bearer realm="{realm}",service="s"'}
    )


DEAD = "127.0.0.1:1"  # the same in every process of a run, because names of tests hold it
ECHOES = (
    "header",
    "json",
    "fields",
    "form",
    "encoded",
    "half encoded",
    "in JSON",
    "decoded",
    "cut",
    "cut address",
    "address",
    "relative",
    "lines",
)
ANSWERS: dict[str, Answerer] = {
    **{f"{status} {kind}": told(kind, status) for kind in ECHOES for status in (400, 403, 429, 500)},
    "redirect to nobody": sent_to(storage(DEAD)),
    "redirect in a circle": sent_to(storage("HERE")),
    "redirect without TLS": sent_to(storage("storage.invalid")),
    "redirect to no name": sent_to(f"http://user:{SIGNED}@storage.invalid/?sig={SIGNED}"),
    "redirect to no address": sent_to(f"http://[{SIGNED}/?sig={SIGNED}"),
    "redirect to no port": sent_to(f"http://user:{SIGNED}@storage.invalid:{SIGNED}/"),
    "redirect with blanks": sent_to(f"http://storage.invalid/a b?sig={SIGNED}"),
    "upload at nobody's": begun_at(storage(DEAD)),
    "upload with a login": begun_at(f"http://user:{SIGNED}@{DEAD}/?sig={SIGNED}"),
    "upload at no address": begun_at(f"http://[{SIGNED}/?sig={SIGNED}"),
    "realm without TLS": challenged(f"http://user:{SIGNED}@tokens.invalid/?token={SIGNED}"),
    "realm at nobody's": challenged(f"http://user:{SIGNED}@{DEAD}/?token={SIGNED}"),
    "realm of no port": challenged(f"https://tokens.invalid:{SIGNED}/?token={SIGNED}"),
    "realm of no address": challenged(f"http://[{SIGNED}/?token={SIGNED}"),
}
OPERATIONS: dict[str, Callable[[Registry, Path], object]] = {
    "manifest": lambda registry, directory: registry.manifest("app", "1"),
    "head": lambda registry, directory: registry.head_manifest("app", "1"),
    "put": lambda registry, directory: registry.put_manifest("app", "1", IMAGE.index),
    "config": lambda registry, directory: read_blob(registry, "app", BLOB),
    "blob": lambda registry, directory: fetch_blob(registry, "app", BLOB, directory / "blob"),
    "there": lambda registry, directory: has_blob(registry, "app", BLOB.digest),
    "upload": lambda registry, directory: push_blob(registry, "app", BLOB, lambda: io.BytesIO(IMAGE.layer)),
}


def client(registry: FaultyRegistry, password: str) -> Registry:
    return Registry(registry.host, RegistrySettings(registry.host, username="user", password={"value": password}), FAST)


def texts_of(error: BaseException) -> str:
    """All that can be shown of an error, as with -vvvv."""
    shown = traceback.format_exception(type(error), error, error.__traceback__)
    return "\n".join([str(error), repr(error), repr(error.args), *shown])


def test_200_texts_hold_no_credential(faulty: FaultyRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "CHUNK", 2000)
    monkeypatch.setattr(uploads, "SMALLER", (1000,))
    seen, leaks = 0, []
    for scheme, kind in [("Basic", "odd"), ("Basic", "plain"), ("Basic", "short of base64"), ("Bearer", "odd")]:
        password = PASSWORDS[kind]
        registry = client(faulty, password)
        for name, answer in ANSWERS.items():
            if (scheme, kind) != ("Basic", "odd") and name.startswith(("400", "429", "500")):
                continue
            faulty.guard = _logged_in_first(faulty, scheme, answer, password)
            for what, operation in OPERATIONS.items():
                try:
                    operation(registry, tmp_path)
                except ImageError as error:
                    seen += 1
                    text = texts_of(error)
                    leaks += [f"{scheme} {name} {what}: {form}" for form in canaries(password) if form in text]
    assert leaks == []
    assert seen >= 600


def _logged_in_first(
    registry: FaultyRegistry, scheme: str, answer: Answerer, password: str
) -> Callable[[Handler], bool]:
    def guard(handler: Handler) -> bool:
        if handler.path.startswith("/token"):
            handler.reply(200, f'{{"token":"{TOKEN}"}}'.encode())
        elif not handler.headers.get("Authorization") and "/storage" not in handler.path:
            realm = f' realm="http://{registry.host}/token"'
            handler.reply(401, b"", {"WWW-Authenticate": f"{scheme}{realm}"})
        else:
            answer(handler, password)
        return True

    return guard


@pytest.mark.parametrize(
    "body",
    [
        f'{{"token":"{TOKEN}\\nX: y"}}',
        f'{{"token":"{TOKEN}\u20ac"}}',
        f'{{"token":"{TOKEN} b"}}',
        f'{{"token":["{TOKEN}"]}}',
        f'{{"token":"{TOKEN}"',
        f'["{TOKEN}"]',
    ],
)
def test_tokens_that_cannot_be_sent(faulty: FaultyRegistry, body: str) -> None:
    realm = {"WWW-Authenticate": f'Bearer realm="http://{faulty.host}/token?secret={SIGNED}"'}
    faulty.guard = lambda handler: (
        (handler.reply(200, body.encode()) if "/token" in handler.path else handler.reply(401, b"", realm)) or True
    )
    with pytest.raises(ImageError, match="token service") as caught:
        client(faulty, PASSWORDS["plain"]).manifest("app", "1")
    assert "canary" not in texts_of(caught.value)


def test_a_lifetime_is_not_told(faulty: FaultyRegistry) -> None:
    realm = {"WWW-Authenticate": f'Bearer realm="http://{faulty.host}/token?secret={SIGNED}"'}
    body = f'{{"access_token":"{TOKEN}","expires_in":"{TOKEN}"}}'.encode()
    faulty.guard = lambda handler: (
        (handler.reply(200, body) if "/token" in handler.path else handler.reply(401, b"", realm)) or True
    )
    with pytest.raises(ImageError, match="is not accepted") as caught:
        client(faulty, PASSWORDS["plain"]).manifest("app", "1")
    assert "canary" not in texts_of(caught.value)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 429, 500])
@pytest.mark.parametrize("username", ["user", "<token>"])
def test_what_a_token_service_repeats(faulty: FaultyRegistry, status: int, username: str) -> None:
    password = PASSWORDS["plain"]
    realm = {"WWW-Authenticate": f'Bearer realm="http://{faulty.host}/token"'}

    def guard(handler: Handler) -> bool:
        if "/token" not in handler.path:
            return handler.reply(401, b"", realm) or True
        form = handler.registry.bodies[-1].decode() if handler.command == "POST" else ""
        return handler.reply(status, f"{form} {password} {handler.headers.get('Authorization')}".encode()) or True

    faulty.guard = guard
    settings = RegistrySettings(faulty.host, username=username, password={"value": password})
    with pytest.raises(ImageError) as caught:
        Registry(faulty.host, settings, FAST).manifest("app", "1")
    text = texts_of(caught.value)
    assert [form for form in canaries(password) if form in text] == []


@pytest.mark.parametrize(
    "proxy",
    [
        f"http://me:{SIGNED}@NOBODY",
        f"http://me:{SIGNED}@proxy.invalid:1",
        f"socks5://me:{SIGNED}@NOBODY",
        f"ftp://me:{SIGNED}@proxy",
        f"http://me:{SIGNED}@proxy:port",
        "REFUSES",
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_logins_of_proxies(faulty: FaultyRegistry, monkeypatch: pytest.MonkeyPatch, proxy: str, scheme: str) -> None:
    faulty.guard = lambda handler: (
        handler.reply(407, f"who is {handler.headers.get('Proxy-Authorization')} {SIGNED}?".encode()) or True
    )
    # Ports are no part of a test's name: each process of a run has its own.
    proxy = proxy.replace("NOBODY", DEAD).replace("REFUSES", f"http://me:{SIGNED}@{faulty.host}")
    monkeypatch.setenv(f"{scheme.upper()}_PROXY", proxy)
    monkeypatch.setenv("NO_PROXY", "")
    settings = RegistrySettings("registry.invalid", username="user", password={"value": PASSWORDS["plain"]})
    settings = RegistrySettings(settings.host, "", "user", settings.password, plain_http=scheme == "http")
    with pytest.raises(ImageError) as caught:
        Registry("registry.invalid", settings, FAST).manifest("app", "1")
    text = texts_of(caught.value)
    login = base64.b64encode(f"me:{SIGNED}".encode()).decode()
    assert [form for form in ("canary", login) if form in text] == []
    if isinstance(caught.value, RegistryError) and "407" in text:
        assert caught.value.reason == Reason.PROXY


@pytest.mark.parametrize(
    "text",
    [
        "DENIED: requested access to the resource is denied",
        "UNAUTHORIZED: authentication required; Basic authentication is needed, or a Bearer token of yours",
        "not in the allowlist, see https://example.com/list",
        "quay.io/team/app@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855: manifest unknown",
        "its token service 'https://registry.example/token' is not reached over TLS",
        "400 invalid token: expired, the signature: does not fit",
        "a certificate authority that is not known",
        "What? It is there.",
    ],
)
def test_words_stay(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://me:pw1@host/a and http://host:80/b?x=1", "https://***@host/a and http://host:80/b?***"),
        ("Authorization: Bearer abc.def1", "Authorization: Bearer ***"),
        ('{"refresh_token": "a b", "n": 1}', '{"refresh_token": "***", "n": 1}'),
        ("password=a1&user=me", "password=***&user=me"),
        ("Authorization: ghp_0123456789abcdef", "Authorization: ***"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln is bad", "*** is bad"),
        ("/key?X-Amz-Signature=ab, then", "/key?*** then"),
    ],
)
def test_credentials_go(text: str, shown: str) -> None:
    assert redact(text) == shown


@pytest.mark.parametrize("text", ["a-", "?", "token ", "a://", "bearer a", "x-amz-", "eyJ"])
def test_long_texts_cost_no_time(text: str) -> None:
    started = time.process_time()
    redact(text * 100_000)
    assert time.process_time() - started < 5.0


SAID = "said-canary"
REPEATED: dict[str, tuple[int, dict[str, str], bytes]] = {
    "path of a redirect": (307, {"Location": f"ftp://storage.invalid/{SAID}/x"}, b""),
    "scheme of a redirect": (307, {"Location": "said-canary://storage.invalid/x"}, b""),
    "host of a redirect": (307, {"Location": f"http://{SAID}.invalid/x"}, b""),
    "scheme of a challenge": (401, {"WWW-Authenticate": f"{SAID} realm=x"}, b""),
    "path of a realm": (401, {"WWW-Authenticate": f'Bearer realm="http://tokens.invalid/{SAID}"'}, b""),
    "type": (200, {"Content-Type": SAID}, b"{}"),
    "type in the body": (200, {}, f'{{"mediaType":"{SAID}"}}'.encode()),
    "upload": (202, {"Location": f"http://{SAID}.invalid/x"}, b""),
}
RAW = {
    "status line": f"NONE {SAID}\r\n\r\n",
    "chunk": f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{SAID}\r\n",
}


@pytest.mark.parametrize("place", [*REPEATED, *RAW])
def test_a_password_that_is_repeated_elsewhere_than_in_words(
    faulty: FaultyRegistry, tmp_path: Path, place: str
) -> None:
    def answer(handler: Handler, password: str) -> None:
        if place in REPEATED:
            status, headers, body = REPEATED[place]
            handler.reply(status, body, headers)
        else:
            handler.wfile.write(RAW[place].encode())
            handler.close_connection = True

    faulty.guard = _logged_in_first(faulty, "Basic", answer, SAID)
    for operation in (OPERATIONS["manifest"], OPERATIONS["blob"], OPERATIONS["upload"]):
        try:
            operation(client(faulty, SAID), tmp_path)
        except ImageError as error:
            assert "canary" not in texts_of(error)
