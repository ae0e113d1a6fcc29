"""Kubeconfigs of every kind, each tried by kubectl and by us against the same API server: the same answer."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from api_server import ApiServer
from forward_proxies import ConnectProxy, ForwardProxy, SocksProxy, serving
from kubeconfigs import Case, by_kubectl, by_us, config, credential, execute, plugin, write

PASSWORD = "pass-phrase-4711"
LOGIN = f"me:{PASSWORD}"
WRONG = "wrong-bearer-0816"
SECRETS = (PASSWORD, WRONG, ApiServer.token, "PRIVATE KEY")
V1 = "client.authentication.k8s.io/v1"


@dataclass
class Place:
    """Where a case is made: the API server, a directory of its own, and what has to be stopped afterwards."""

    server: ApiServer
    directory: Path
    stack: ExitStack

    @property
    def target(self) -> tuple[str, int]:
        return "127.0.0.1", self.server.port

    @property
    def cluster(self) -> dict[str, Any]:
        return {"server": self.server.url, "certificate-authority-data": self._inline(self.server.pki.ca_certificate)}

    @property
    def token(self) -> dict[str, Any]:
        return {"token": self.server.token}

    @property
    def certificate(self) -> dict[str, Any]:
        pki = self.server.pki
        return {
            "client-certificate-data": self._inline(pki.admin_certificate),
            "client-key-data": self._inline(pki.admin_key),
        }

    def case(self, cluster: dict[str, Any], user: dict[str, Any] | None, **environment: str) -> Case:
        return Case(str(write(self.directory / "config", config(cluster, user))), environment=environment)

    def user(self, user: dict[str, Any] | None) -> Case:
        return self.case(self.cluster, user)

    def copy(self, name: str, source: Path) -> str:
        """A file beside the kubeconfig, by its relative name."""
        write(self.directory / name, source.read_text())
        return name

    def start(self, proxy: ForwardProxy) -> ForwardProxy:
        return self.stack.enter_context(serving(proxy))

    def through(self, proxy_url: str, **fields: Any) -> Case:
        """By a named proxy, which alone knows the host."""
        cluster = {**self.cluster, "server": "https://kube.invalid:6443", "tls-server-name": "localhost", **fields}
        return self.case({**cluster, "proxy-url": proxy_url}, self.token)

    def by_environment(self, **environment: str) -> Case:
        cluster = {**self.cluster, "server": "https://kube.invalid:6443", "tls-server-name": "localhost"}
        return self.case(cluster, self.token, **environment)

    def _inline(self, path: Path) -> str:
        return self.server.pki.inline(path)


CASES: dict[str, Callable[[Place], Case]] = {}


def case(make: Callable[[Place], Case]) -> Callable[[Place], Case]:
    CASES[make.__name__] = make
    return make


# Credentials in the file and beside it


@case
def client_certificate_inline(place: Place) -> Case:
    return place.user(place.certificate)


@case
def client_certificate_beside_the_file(place: Place) -> Case:
    pki = place.server.pki
    certificate, key = place.copy("me.crt", pki.admin_certificate), place.copy("keys/me.key", pki.admin_key)
    return place.user({"client-certificate": certificate, "client-key": key})


@case
def client_certificate_without_key(place: Place) -> Case:
    return place.user({"client-certificate-data": place.certificate["client-certificate-data"]})


@case
def client_certificate_twice(place: Place) -> Case:
    return place.user({**place.certificate, "client-certificate": str(place.server.pki.admin_certificate)})


@case
def client_certificate_and_token(place: Place) -> Case:
    return place.user({**place.certificate, **place.token})


@case
def token(place: Place) -> Case:
    return place.user(place.token)


@case
def token_that_is_refused(place: Place) -> Case:
    return place.user({"token": WRONG})


@case
def token_with_a_line_break(place: Place) -> Case:
    return place.user({"token": WRONG + "\n"})


@case
def token_that_is_a_number(place: Place) -> Case:
    return place.user({"token": 815})


@case
def token_file_with_a_line_break(place: Place) -> Case:
    write(place.directory / "t", place.server.token + "\n")
    return place.user({"tokenFile": "t"})


@case
def token_file_before_token(place: Place) -> Case:
    write(place.directory / "t", place.server.token)
    return place.user({"tokenFile": "t", "token": WRONG})


@case
def token_for_a_missing_token_file(place: Place) -> Case:
    return place.user({"tokenFile": "gone", **place.token})


@case
def token_for_an_empty_token_file(place: Place) -> Case:
    write(place.directory / "t", " \n")
    return place.user({"tokenFile": "t", **place.token})


@case
def token_file_missing(place: Place) -> Case:
    return place.user({"tokenFile": "gone"})


@case
def token_file_empty(place: Place) -> Case:
    write(place.directory / "t", "\n")
    return place.user({"tokenFile": "t"})


@case
def user_and_password(place: Place) -> Case:
    return place.user({"username": "me", "password": PASSWORD})


@case
def password_and_token(place: Place) -> Case:
    return place.user({"username": "me", "password": PASSWORD, **place.token})


@case
def no_credentials(place: Place) -> Case:
    return place.user({})


@case
def context_without_user(place: Place) -> Case:
    return place.user(None)


@case
def auth_provider(place: Place) -> Case:
    return place.user({"auth-provider": {"name": "gcp", "config": {"access-token": WRONG}}})


# Exec plugins


@case
def exec_v1(place: Place) -> Case:
    return place.user(execute(plugin(place.directory / "p", credential(token=place.server.token))))


@case
def exec_v1beta1_without_mode(place: Place) -> Case:
    script = plugin(place.directory / "p", credential("v1beta1", token=place.server.token))
    return place.user(execute(script, "v1beta1", None))


@case
def exec_v1_without_mode(place: Place) -> Case:
    return place.user(execute(plugin(place.directory / "p", credential(token=place.server.token)), mode=None))


@case
def exec_v1alpha1(place: Place) -> Case:
    return place.user(execute(plugin(place.directory / "p", credential("v1alpha1", token=WRONG)), "v1alpha1"))


@case
def exec_of_another_version(place: Place) -> Case:
    return place.user(execute(plugin(place.directory / "p", credential("v1beta1", token=WRONG))))


@case
def exec_that_asks(place: Place) -> Case:
    return place.user(execute(plugin(place.directory / "p", credential(token=WRONG)), mode="Always"))


@case
def exec_missing(place: Place) -> Case:
    return place.user(execute("gone-plugin", installHint="brew install gone-plugin"))


@case
def exec_failing(place: Place) -> Case:
    return place.user(execute(plugin(place.directory / "p", "echo session expired >&2; exit 1")))


@case
def exec_without_status(place: Place) -> Case:
    return place.user(
        execute(plugin(place.directory / "p", f"""echo '{{"kind":"ExecCredential","apiVersion":"{V1}"}}'"""))
    )


@case
def exec_with_garbage(place: Place) -> Case:
    return place.user(execute(plugin(place.directory / "p", f"echo {WRONG}")))


@case
def exec_with_client_certificate(place: Place) -> Case:
    pki = place.server.pki
    fields = {"clientCertificateData": pki.admin_certificate.read_text(), "clientKeyData": pki.admin_key.read_text()}
    return place.user(execute(plugin(place.directory / "p", credential(**fields))))


@case
def exec_with_certificate_without_key(place: Place) -> Case:
    certificate = place.server.pki.admin_certificate.read_text()
    return place.user(execute(plugin(place.directory / "p", credential(clientCertificateData=certificate))))


@case
def exec_with_arguments_and_environment(place: Place) -> Case:
    body = f'[ "$1 $2 $WHO" = "--user a b me" ] || exit 3\n{credential(token=place.server.token)}'
    script = plugin(place.directory / "p", body)
    return place.user(execute(script, args=["--user", "a b"], env=[{"name": "WHO", "value": "me"}]))


@case
def exec_beside_the_file(place: Place) -> Case:
    plugin(place.directory / "bin/p", credential(token=place.server.token))
    return place.user(execute("./bin/p"))


@case
def exec_that_is_told_of_the_cluster(place: Place) -> Case:
    body = f"""
for wanted in '"server":[ ]*"{place.server.url}"' certificate-authority-data '"audience":[ ]*"us"'; do
  echo "$KUBERNETES_EXEC_INFO" | grep -q -- "$wanted" || exit 3
done
{credential(token=place.server.token)}"""
    extension = {"name": "client.authentication.k8s.io/exec", "extension": {"audience": "us"}}
    user = execute(plugin(place.directory / "p", body), provideClusterInfo=True)
    return place.case({**place.cluster, "extensions": [extension]}, user)


@case
def exec_beside_a_token(place: Place) -> Case:
    return place.user({**execute("gone-plugin"), **place.token})


# Acting as others


@case
def as_somebody(place: Place) -> Case:
    return place.user({**place.certificate, "as": "jürgen"})


@case
def as_somebody_with_everything(place: Place) -> Case:
    extra = {"example.org/scope": ["a", "b"], "x%y": ["c"]}
    fields = {"as": "someone", "as-uid": "7", "as-groups": ["g1", "g, 2"], "as-user-extra": extra}
    return place.user({**place.certificate, **fields})


@case
def as_somebody_with_nothing_of_an_extra(place: Place) -> Case:
    return place.user({**place.certificate, "as": "someone", "as-user-extra": {"a": None, "b": []}})


@case
def as_a_name_of_two_lines(place: Place) -> Case:
    return place.user({**place.certificate, "as": "someone\nelse"})


@case
def as_without_the_right(place: Place) -> Case:
    return place.user({**place.token, "as": "someone"})


@case
def groups_without_as(place: Place) -> Case:
    return place.user({**place.certificate, "as-groups": ["g"]})


# TLS


@case
def another_server_name(place: Place) -> Case:
    relay = place.start(ForwardProxy(place.target, host="127.0.0.2"))
    return place.case({**place.cluster, "server": f"https://127.0.0.2:{relay.port}"}, place.token)


@case
def tls_server_name(place: Place) -> Case:
    relay = place.start(ForwardProxy(place.target, host="127.0.0.2"))
    cluster = {**place.cluster, "server": f"https://127.0.0.2:{relay.port}", "tls-server-name": "localhost"}
    return place.case(cluster, place.token)


@case
def tls_server_name_that_is_wrong(place: Place) -> Case:
    return place.case({**place.cluster, "tls-server-name": "elsewhere"}, place.token)


@case
def authority_unknown(place: Place) -> Case:
    return place.case({"server": place.server.url}, place.token)


@case
def authority_beside_the_file(place: Place) -> Case:
    name = place.copy("ca.crt", place.server.pki.ca_certificate)
    return place.case({"server": place.server.url, "certificate-authority": name}, place.token)


@case
def authority_missing(place: Place) -> Case:
    return place.case({"server": place.server.url, "certificate-authority": "gone.crt"}, place.token)


@case
def authority_that_is_no_base64(place: Place) -> Case:
    return place.case({"server": place.server.url, "certificate-authority-data": "???"}, place.token)


@case
def authority_that_is_no_certificate(place: Place) -> Case:
    return place.case({"server": place.server.url, "certificate-authority-data": "YQ=="}, place.token)


@case
def without_verification(place: Place) -> Case:
    return place.case({"server": place.server.url, "insecure-skip-tls-verify": True}, place.token)


@case
def without_verification_and_with_authority(place: Place) -> Case:
    return place.case({**place.cluster, "insecure-skip-tls-verify": True}, place.token)


# Servers


@case
def server_of_ipv6(place: Place) -> Case:
    relay = place.start(ForwardProxy(place.target, host="::1"))
    cluster = {**place.cluster, "server": f"https://[::1]:{relay.port}/", "tls-server-name": "localhost"}
    return place.case(cluster, place.token)


@case
def server_without_tls_and_with_a_path(place: Place) -> Case:
    arguments = ["proxy", "--port=0", "--api-prefix=/k8s/clusters/c-1/", f"--kubeconfig={place.server.kubeconfig}"]
    process = subprocess.Popen([place.server.binaries["kubectl"], *arguments], stdout=subprocess.PIPE, text=True)
    place.stack.callback(process.wait, 10)
    place.stack.callback(process.terminate)
    address = process.stdout.readline().split()[-1]
    return place.case({"server": f"http://{address}/k8s/clusters/c-1/"}, {"token": WRONG})


@case
def server_without_scheme(place: Place) -> Case:
    return place.case({**place.cluster, "server": f"127.0.0.1:{place.server.port}"}, place.token)


@case
def server_that_nobody_knows(place: Place) -> Case:
    return place.case({**place.cluster, "server": "https://nowhere.invalid:6443"}, place.token)


@case
def server_that_is_away(place: Place) -> Case:
    return place.case({**place.cluster, "server": "https://127.0.0.1:1"}, place.token)


@case
def server_with_a_login(place: Place) -> Case:
    server = place.server.url.replace("//", f"//{LOGIN}@")
    return place.case({**place.cluster, "server": server}, place.certificate)


@case
def server_missing(place: Place) -> Case:
    return place.case({"certificate-authority-data": place.cluster["certificate-authority-data"]}, place.token)


# Proxies


@case
def proxy(place: Place) -> Case:
    return place.through(f"http://127.0.0.1:{place.start(ConnectProxy(place.target)).port}")


@case
def proxy_with_login(place: Place) -> Case:
    return place.through(f"http://{LOGIN}@127.0.0.1:{place.start(ConnectProxy(place.target, LOGIN)).port}")


@case
def proxy_with_another_login(place: Place) -> Case:
    port = place.start(ConnectProxy(place.target, "you:else")).port
    return place.through(f"http://{LOGIN}@127.0.0.1:{port}")


@case
def proxy_with_escaped_login(place: Place) -> Case:
    port = place.start(ConnectProxy(place.target, "me@home:a/b:c")).port
    return place.through(f"http://me%40home:a%2Fb%3Ac@127.0.0.1:{port}")


@case
def proxy_over_tls(place: Place) -> Case:
    pki = place.server.pki
    made = ConnectProxy(place.target, LOGIN)
    made.tls = str(pki.server_certificate), str(pki.server_key)
    return place.through(f"https://{LOGIN}@localhost:{place.start(made).port}")


@case
def proxy_before_loopback(place: Place) -> Case:
    port = place.start(ConnectProxy(place.target, "you:else")).port
    return place.case({**place.cluster, "proxy-url": f"http://127.0.0.1:{port}"}, place.token)


@case
def proxy_of_socks5(place: Place) -> Case:
    return place.through(f"socks5://127.0.0.1:{place.start(SocksProxy(place.target)).port}")


@case
def proxy_of_socks5_with_login(place: Place) -> Case:
    return place.through(f"socks5://{LOGIN}@127.0.0.1:{place.start(SocksProxy(place.target, LOGIN)).port}")


@case
def proxy_of_socks5_with_another_login(place: Place) -> Case:
    port = place.start(SocksProxy(place.target, "you:else")).port
    return place.through(f"socks5://{LOGIN}@127.0.0.1:{port}")


@case
def proxy_without_scheme(place: Place) -> Case:
    return place.through(f"127.0.0.1:{place.start(ConnectProxy(place.target)).port}")


@case
def proxy_of_an_unknown_kind(place: Place) -> Case:
    return place.through(f"ftp://{LOGIN}@127.0.0.1:21")


@case
def proxy_of_the_environment(place: Place) -> Case:
    port = place.start(ConnectProxy(place.target, LOGIN)).port
    return place.by_environment(HTTPS_PROXY=f"http://{LOGIN}@127.0.0.1:{port}")


@case
def proxy_of_the_environment_in_small_letters_without_scheme(place: Place) -> Case:
    return place.by_environment(https_proxy=f"127.0.0.1:{place.start(ConnectProxy(place.target)).port}")


@case
def proxy_of_the_environment_and_loopback(place: Place) -> Case:
    return place.case(place.cluster, place.token, HTTPS_PROXY="http://127.0.0.1:1", HTTP_PROXY="http://127.0.0.1:1")


@case
def proxy_of_the_environment_that_is_not_for_this_host(place: Place) -> Case:
    port = place.start(ConnectProxy(place.target)).port
    return place.by_environment(HTTPS_PROXY=f"127.0.0.1:{port}", NO_PROXY="example.org, .invalid")


@case
def proxy_of_the_environment_that_is_for_other_networks(place: Place) -> Case:
    port = place.start(ConnectProxy(place.target)).port
    cluster = {**place.cluster, "server": "https://192.0.2.7:6443", "tls-server-name": "localhost"}
    return place.case(cluster, place.token, HTTPS_PROXY=f"127.0.0.1:{port}", NO_PROXY="192.0.3.0/24,192.0.2.7:443")


# Files


@case
def second_file_with_paths_of_its_own(place: Place) -> Case:
    pki = place.server.pki
    place.copy("two/me.crt", pki.admin_certificate)
    place.copy("two/me.key", pki.admin_key)
    both = {"client-certificate": "me.crt", "client-key": "me.key"}
    whole = config(place.cluster, both)
    one = write(place.directory / "one/config", {**whole, "users": []})
    two = write(place.directory / "two/config", {"users": whole["users"]})
    return Case(f"{one}:{two}")


@case
def first_file_wins(place: Place) -> Case:
    one = write(place.directory / "one", config(place.cluster, place.token))
    two = write(place.directory / "two", config({"server": "https://127.0.0.1:1"}, place.certificate))
    return Case(f"{one}:{two}")


@case
def empty_and_missing_files(place: Place) -> Case:
    empty = write(place.directory / "empty", "")
    return Case(f"{empty}::{place.directory}/gone:{place.user(place.token).location}")


@case
def broken_file_beside_a_good_one(place: Place) -> Case:
    broken = write(place.directory / "broken", f"token: {{{WRONG}")
    return Case(f"{place.user(place.token).location}:{broken}")


@case
def empty_lists(place: Place) -> Case:
    return Case(str(write(place.directory / "config", "contexts: null\nclusters: null\nusers: null\n")))


@case
def name_twice(place: Place) -> Case:
    whole = config(place.cluster, place.token)
    return Case(str(write(place.directory / "config", {**whole, "users": whole["users"] * 2})))


@case
def user_missing(place: Place) -> Case:
    return Case(str(write(place.directory / "config", {**config(place.cluster, place.token), "users": []})))


@case
def cluster_missing(place: Place) -> Case:
    return Case(str(write(place.directory / "config", {**config(place.cluster, place.token), "clusters": []})))


@case
def another_kind_of_file(place: Place) -> Case:
    return Case(str(write(place.directory / "config", {**config(place.cluster, place.token), "kind": "Pod"})))


@case
def json_file(place: Place) -> Case:
    return Case(str(write(place.directory / "config", json.dumps(config(place.cluster, place.token), indent="\t"))))


def _named(name: str) -> Callable[[Place], Case]:
    def make(place: Place) -> Case:
        return Case(str(write(place.directory / "config", config(place.cluster, place.token, name))), name)

    return make


CASES |= {
    f"context {name}": _named(name)
    for name in ("arn:aws:eks:eu-west-1:1:cluster/x", "my cluster", "10.0.0.5:6443", "jürgen@höhle", "a'b\"c", "yes")
}


@pytest.fixture
def place(api_server: ApiServer, tmp_path: Path) -> Iterator[Place]:
    with ExitStack() as stack:
        yield Place(api_server, tmp_path / "place", stack)


@pytest.mark.parametrize("name", CASES)
def test_the_same_answer_as_kubectl(name: str, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = CASES[name](place)
    for variable in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in made.environment.items():
        monkeypatch.setenv(variable, value)
    wanted = by_kubectl(place.server, made, tmp_path)
    found, said = by_us(made)
    assert found == wanted, said
    assert not [secret for secret in SECRETS if secret in said]


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 40
