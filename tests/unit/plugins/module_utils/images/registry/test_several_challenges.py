"""Which of several challenges is met, what a token is asked for, and who is asked again after a login."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.errors import Reason, RegistryError
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.settings import RegistrySettings
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.backoff import Backoff
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.client import Registry
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.uploads import mount_blob
from faulty_registry import FaultyRegistry, Handler
from loopback_ports import free_port
from sample_images import SampleImage

IMAGE = SampleImage()
ZEROS = "00000000-0000-0000-0000-000000000000"
BASIC = "Basic " + base64.b64encode(b"user:secret").decode()
ORDERS = {
    "Bearer, Basic": ("BEARER", 'Basic realm="x"'),
    "Basic, Bearer": ('Basic realm="x"', "BEARER"),
    "Negotiate, Basic": ("Negotiate", 'Basic realm="x"'),
    "Digest, Negotiate, Bearer": ('Digest nonce="a", qop="auth"', "Negotiate", "BEARER"),
    "Unknown, Basic, Bearer": (
        'AWS4-HMAC-SHA256 a=b, c="d"',
        'Basic realm="https://elsewhere.invalid/token"',
        "BEARER",
    ),
}


class Gate:
    """Lets in who shows what `accepted` says, and asks the others by `challenges`; gives all tokens that are wanted."""

    def __init__(self, registry: FaultyRegistry, challenges: tuple[str, ...], joined: bool, accepted: str) -> None:
        self.asked: list[list[str]] = []
        self.tokens = True
        self._challenges = challenges
        self._joined = joined
        self._accepted = accepted
        self._registry = registry

    def __call__(self, handler: Handler) -> bool:
        if handler.path.startswith("/token"):
            self.asked.append([item.partition("=")[2] for item in handler.path.split("&") if "scope=" in item])
            body = json.dumps({"token": f"t{len(self.asked)}"}).encode() if self.tokens else b"{}"
            handler.reply(200 if self.tokens else 403, body)
            return True
        if handler.headers.get("Authorization", "").startswith(self._accepted):
            return False
        realm = f'Bearer realm="http://{self._registry.host}/token",service="s"'
        texts = [realm if text == "BEARER" else text for text in self._challenges]
        handler.send_response(401)
        for text in [", ".join(texts)] if self._joined else texts:
            handler.send_header("WWW-Authenticate", text)
        handler.send_header("Content-Length", "0")
        handler.end_headers()
        return True


def client(registry: FaultyRegistry, quick: Backoff, username: str = "user") -> Registry:
    password = {"value": "secret"} if username else {}
    return Registry(registry.host, RegistrySettings(registry.host, username=username, password=password), quick)


@pytest.mark.parametrize("joined", [True, False], ids=["one header", "several"])
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("tokens", [True, False], ids=["tokens", "no tokens"])
def test_the_challenge_that_can_be_met(
    faulty: FaultyRegistry, quick: Backoff, order: str, joined: bool, tokens: bool
) -> None:
    """Where no token is had, a password is the next."""
    faulty.add(IMAGE)
    challenges = ORDERS[order]
    basic = any(text.startswith("Basic") for text in challenges)
    by_token = "BEARER" in challenges and (tokens or not basic)
    faulty.guard = gate = Gate(faulty, challenges, joined, "Bearer t" if by_token else BASIC)
    gate.tokens = tokens
    if not tokens and not basic:
        with pytest.raises(RegistryError, match="its token service says 403") as caught:
            client(faulty, quick).manifest("app", "1")
        assert caught.value.reason == Reason.LOGIN
        return
    made = client(faulty, quick)
    assert made.manifest("app", "1").digest == IMAGE.index.digest
    before = len(faulty.requests)
    made.manifest("app", "1")
    assert len(faulty.requests) == before + 1


@pytest.mark.parametrize("joined", [True, False], ids=["one header", "several"])
def test_a_token_that_is_not_taken_is_followed_by_the_password(
    faulty: FaultyRegistry, quick: Backoff, joined: bool
) -> None:
    faulty.add(IMAGE)
    faulty.guard = Gate(faulty, ORDERS["Bearer, Basic"], joined, BASIC)
    assert client(faulty, quick).manifest("app", "1").digest == IMAGE.index.digest


def test_when_all_are_refused_each_is_told(faulty: FaultyRegistry, quick: Backoff) -> None:
    faulty.guard = Gate(faulty, ("Negotiate", "BEARER", 'Basic realm="x"'), True, "nothing")
    with pytest.raises(RegistryError, match="user user with this password is not accepted.*negotiate") as caught:
        client(faulty, quick).manifest("app", "1")
    assert caught.value.reason == Reason.LOGIN
    assert len(faulty.asked("GET", "manifests")) == 3
    with pytest.raises(RegistryError, match="an anonymous login is not accepted.*it wants a user"):
        client(faulty, quick, "").manifest("app", "1")


def test_the_password_goes_to_no_realm_of_basic(faulty: FaultyRegistry, quick: Backoff) -> None:
    faulty.add(IMAGE)
    faulty.guard = Gate(faulty, ORDERS["Unknown, Basic, Bearer"], True, "Bearer t")
    client(faulty, quick).manifest("app", "1")
    assert [headers.get("Authorization") for headers in faulty.asked("GET", "/token")] == [BASIC]


def test_tokens_for_other_repositories_need_no_refusal(faulty: FaultyRegistry, quick: Backoff) -> None:
    faulty.add(IMAGE)
    faulty.guard = gate = Gate(faulty, ("BEARER",), True, "Bearer t")
    made = client(faulty, quick)
    for repository in ("one", "two", "three"):
        made.manifest(repository, "1")
    assert len(gate.asked) == 3
    assert len(faulty.asked("GET", "manifests")) == 4


def test_one_token_for_many_streams(faulty: FaultyRegistry, quick: Backoff) -> None:
    faulty.add(IMAGE)
    faulty.guard = gate = Gate(faulty, ("BEARER",), True, "Bearer t")
    made = client(faulty, quick)
    with ThreadPoolExecutor(12) as streams:
        list(streams.map(lambda number: made.manifest("app", "1"), range(24)))
    assert len(gate.asked) == 1


def test_a_mount_asks_for_both_repositories(faulty: FaultyRegistry, quick: Backoff) -> None:
    faulty.guard = gate = Gate(faulty, ("BEARER",), True, "Bearer t")
    faulty.faults["mount="] = [lambda handler: gate(handler) or None, lambda handler: handler.reply(201)]
    assert mount_blob(client(faulty, quick), "target", "sha256:0", "source").done
    assert gate.asked == [["repository%3Asource%3Apull", "repository%3Atarget%3Apull%2Cpush"]]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 500, 501, 503])
def test_a_mount_never_fails(faulty: FaultyRegistry, quick: Backoff, status: int) -> None:
    faulty.guard = lambda handler: handler.reply(status) or True
    mount = mount_blob(client(faulty, quick), "target", "sha256:0", "source")
    assert (mount.done, mount.session) == (False, "")


@pytest.mark.parametrize("hidden", [403, 404])
@pytest.mark.parametrize("asks", ["at /v2/", "in the answer", "never"])
@pytest.mark.parametrize("scheme", ["BEARER", 'Basic realm="x"'])
def test_what_is_hidden_from_strangers(
    faulty: FaultyRegistry, quick: Backoff, hidden: int, asks: str, scheme: str
) -> None:
    """A challenge may come with the refusal, from the registry as a whole, or not at all."""
    faulty.add(IMAGE)
    wants = "Bearer t" if scheme == "BEARER" and asks != "never" else BASIC
    gate = Gate(faulty, (scheme,), True, wants)

    def guard(handler: Handler) -> bool:
        if handler.path == "/v2/":
            return gate(handler) if asks == "at /v2/" else handler.reply(200) or True
        if "manifests" not in handler.path or handler.headers.get("Authorization"):
            return gate(handler)
        realm = f'Bearer realm="http://{faulty.host}/token"' if scheme == "BEARER" else scheme
        handler.reply(hidden, b"", {"WWW-Authenticate": realm} if asks == "in the answer" else {})
        return True

    faulty.guard = guard
    made = client(faulty, quick)
    assert made.manifest("app", "1").digest == IMAGE.index.digest
    seen = len(faulty.requests)
    assert made.has_manifest("app", "none") == ""
    assert len(faulty.requests) - seen == 2  # HEAD, and GET that it is followed by
    with pytest.raises(RegistryError) as caught:
        client(faulty, quick, "").manifest("app", "1")
    assert caught.value.reason == (Reason.FORBIDDEN if hidden == 403 else Reason.NOT_FOUND)


@pytest.mark.parametrize(
    ("username", "status", "grant"),
    [
        *((ZEROS, status, "grant_type=refresh_token&refresh_token=secret") for status in (400, 401, 403, 404, 405)),
        ("<token>", 401, "grant_type=refresh_token&refresh_token=secret"),
        *(("user", status, "grant_type=password&username=user&password=secret") for status in (404, 405)),
    ],
)
def test_token_services_that_want_a_form(
    faulty: FaultyRegistry, quick: Backoff, username: str, status: int, grant: str
) -> None:
    faulty.add(IMAGE)
    gate = Gate(faulty, ("BEARER",), True, "Bearer t")

    def guard(handler: Handler) -> bool:
        if handler.path.startswith("/token") and handler.command == "GET":
            return handler.reply(status) or True
        return gate(handler)

    faulty.guard = guard
    assert client(faulty, quick, username).manifest("app", "1").digest == IMAGE.index.digest
    assert [body.decode().partition("&service")[0] for body in faulty.bodies] == [grant]


def test_users_of_clouds(faulty: FaultyRegistry, quick: Backoff) -> None:
    """A key file as a password keeps its line breaks; base64 has none."""
    faulty.add(IMAGE)
    key = '{\n  "type": "service_account",\n  "private_key": "-----BEGIN\\nEND-----"\n}\n'
    seen: list[str] = []

    def guard(handler: Handler) -> bool:
        seen.append(handler.headers.get("Authorization", ""))
        if seen[-1]:
            return False
        return handler.reply(401, b"", {"WWW-Authenticate": 'Basic realm="x"'}) or True

    faulty.guard = guard
    settings = RegistrySettings(faulty.host, username="_json_key", password={"value": key})
    Registry(faulty.host, settings, quick).manifest("app", "1")
    assert base64.b64decode(seen[-1].removeprefix("Basic ")).decode() == f"_json_key:{key}"


@pytest.mark.parametrize("break_off", [1, 2, 5])
def test_a_token_that_runs_out_in_the_middle(faulty: FaultyRegistry, quick: Backoff, break_off: int) -> None:
    """The registry says when, not our clock."""
    faulty.add(IMAGE)
    gate = Gate(faulty, ("BEARER",), True, "Bearer t")
    good: list[str] = []

    def guard(handler: Handler) -> bool:
        sent = handler.headers.get("Authorization", "")
        if sent.startswith("Bearer"):
            good.append(sent)
            if good.count(sent) > break_off:
                return gate_closed(handler)
        return gate(handler)

    gate_closed: Callable[[Handler], bool] = Gate(faulty, ("BEARER",), True, "nothing")
    faulty.guard = guard
    made = client(faulty, quick)
    for _request in range(12):
        assert made.manifest("app", "1").digest == IMAGE.index.digest


def test_a_refusal_without_a_challenge(faulty: FaultyRegistry, quick: Backoff) -> None:
    faulty.add(IMAGE)
    faulty.guard = lambda handler: handler.headers.get("Authorization") != BASIC and (handler.reply(401) or True)
    assert client(faulty, quick).manifest("app", "1").digest == IMAGE.index.digest
    with pytest.raises(RegistryError, match="it wants a user and a password"):
        client(faulty, quick, "").manifest("app", "1")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_challenge_of_another_host_gets_no_login(faulty: FaultyRegistry, quick: Backoff, method: str) -> None:
    other = FaultyRegistry()
    place = other.host.replace("127.0.0.1", "localhost")
    other.guard = Gate(other, ("BEARER", "Basic"), True, "nothing")

    def guard(handler: Handler) -> bool:
        if handler.headers.get("Authorization") != BASIC:
            return handler.reply(401, b"", {"WWW-Authenticate": "Basic"}) or True
        return handler.reply(307, b"", {"Location": f"http://{place}/elsewhere"}) or True

    faulty.guard = guard
    try:
        with pytest.raises(RegistryError, match="401 where it sends on to, localhost, which wants a login") as caught:
            client(faulty, quick).call(method, "app/manifests/1", "app")
        assert caught.value.reason == Reason.FORBIDDEN
        assert other.requests and not [headers for _m, _p, headers in other.requests if "Authorization" in headers]
        assert {path for _method, path, _headers in other.requests} == {"/elsewhere"}
    finally:
        other.stop()


@pytest.mark.parametrize(("basic", "reason"), [(True, None), (False, Reason.REFUSED)])
def test_a_token_service_that_is_away_is_followed_by_the_password(
    faulty: FaultyRegistry, quick: Backoff, basic: bool, reason: Reason | None
) -> None:
    """Where there is no other challenge, it is told what is away."""
    faulty.add(IMAGE)
    asked = f'Bearer realm="http://127.0.0.1:{free_port()}/token"' + (', Basic realm="x"' if basic else "")

    def guard(handler: Handler) -> bool:
        if handler.headers.get("Authorization") == BASIC:
            return False
        return handler.reply(401, b"", {"WWW-Authenticate": asked}) or True

    faulty.guard = guard
    made = client(faulty, quick)
    if not reason:
        assert made.manifest("app", "1").digest == IMAGE.index.digest
        return
    with pytest.raises(RegistryError) as caught:
        made.manifest("app", "1")
    assert caught.value.reason == reason


def test_the_scope_of_a_challenge_in_another_order_is_no_other(faulty: FaultyRegistry, quick: Backoff) -> None:
    gate = Gate(faulty, ("BEARER",), True, "Bearer t")

    def guard(handler: Handler) -> bool:
        if handler.path.startswith("/token") or handler.headers.get("Authorization"):
            return gate(handler)
        scope = "repository:app:push,pull"
        realm = f'Bearer realm="http://{faulty.host}/token",scope="{scope}"'
        return handler.reply(401, b"", {"WWW-Authenticate": realm}) or True

    faulty.guard = guard
    client(faulty, quick).call("POST", "app/blobs/uploads/", "app", push=True)
    assert gate.asked == [["repository%3Aapp%3Apull%2Cpush"]]
