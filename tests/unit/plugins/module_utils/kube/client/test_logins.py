"""Credentials over time: plugins that fail, expire and are refused, tokens that are renewed, commands in pods."""

from __future__ import annotations

import ssl
import threading
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client import logins
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.pod_exec import (
    Container,
    run_in_container,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import ApiError, ClusterError, KubeError
from api_server import ApiServer
from forward_proxies import ConnectProxy, ForwardProxy, SocksProxy, serving
from kubeconfigs import REVIEW, WHO, config, credential, execute, plugin, write
from releases import namespace

WRONG = "wrong-bearer-0816"


def client(api_server: ApiServer, directory: Path, user: dict[str, Any], **cluster: Any) -> Cluster:
    authority = api_server.pki.inline(api_server.pki.ca_certificate)
    fields = {"server": api_server.url, "certificate-authority-data": authority}
    return Cluster.connect("c", str(write(directory / "config", config({**fields, **cluster}, user))))


def who(cluster: Cluster) -> str:
    return cluster.transport.call("POST", WHO, body=REVIEW)["status"]["userInfo"]["username"]


def counting(directory: Path, body: str) -> tuple[Path, Path]:
    """A plugin, and the file that has a line for each of its runs."""
    runs = directory / "runs"
    return plugin(directory / "p", f"echo run >> {runs}\n{body}"), runs


def test_a_failing_plugin_is_told_with_its_words_and_without_credentials(api_server: ApiServer, tmp_path: Path) -> None:
    proxy = "http://me:pass-phrase@proxy:1"
    words = f"session of $SECRET_KEY expired: Bearer {WRONG} eyJhbGciOi.eyJzdWIi.c2ln {proxy} $*"
    script, runs = counting(tmp_path, f"echo {words} >&2; echo {WRONG}; exit 7")
    arguments = ["get-token", "--client-secret", "first-word", "--token=second-word"]
    user = execute(script, env=[{"name": "SECRET_KEY", "value": "very-secret"}], args=arguments)
    with pytest.raises(
        ClusterError, match=r"/p of user 'u' failed with exit code 7: session of \*\*\* expired"
    ) as caught:
        client(api_server, tmp_path, user).get("v1", "Namespace", "default")
    said = "".join(traceback.format_exception(caught.value))
    assert not [
        secret for secret in (WRONG, "very-secret", "eyJ", "pass-phrase", "first-word", "second-word") if secret in said
    ]
    assert runs.read_text() == "run\n"


def test_a_missing_plugin_is_told_with_its_hint(api_server: ApiServer, tmp_path: Path) -> None:
    user = execute("gone-plugin", installHint="brew install\n gone-plugin")
    with pytest.raises(
        ClusterError, match="the exec plugin gone-plugin of user 'u' is not there: brew install gone-plugin"
    ):
        client(api_server, tmp_path, user).get("v1", "Namespace", "default")


def test_a_plugin_runs_once_while_its_credential_is_good(api_server: ApiServer, tmp_path: Path) -> None:
    script, runs = counting(tmp_path, credential(token=api_server.token, expirationTimestamp="2999-01-01T00:00:00Z"))
    cluster = client(api_server, tmp_path, execute(script))
    assert [who(cluster) for _turn in range(3)] == ["jane"] * 3 and runs.read_text().count("run") == 1


def test_an_expired_credential_is_renewed(api_server: ApiServer, tmp_path: Path) -> None:
    script, runs = counting(tmp_path, credential(token=api_server.token, expirationTimestamp="2001-01-01T00:00:00Z"))
    cluster = client(api_server, tmp_path, execute(script))
    assert [who(cluster) for _turn in range(2)] == ["jane"] * 2 and runs.read_text().count("run") >= 2


def test_a_refused_credential_is_renewed(api_server: ApiServer, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    good, bad = credential(token=api_server.token), credential(token=WRONG)
    body = f"if [ -e {runs} ]; then\n{good}\nelse\n{bad}\nfi\necho run >> {runs}"
    cluster = client(api_server, tmp_path, execute(plugin(tmp_path / "p", body)))
    assert who(cluster) == "jane" and runs.read_text().count("run") == 2


def test_a_credential_that_stays_refused_ends(api_server: ApiServer, tmp_path: Path) -> None:
    script, runs = counting(tmp_path, credential(token=WRONG))
    with pytest.raises(ApiError, match="401"):
        who(client(api_server, tmp_path, execute(script)))
    assert runs.read_text().count("run") == 2


def test_a_plugin_may_change_its_client_certificate(api_server: ApiServer, tmp_path: Path) -> None:
    pki = api_server.pki
    first = credential(
        clientCertificateData=pki.server_certificate.read_text(),
        clientKeyData=pki.server_key.read_text(),
        expirationTimestamp="2001-01-01T00:00:00Z",
    )
    second = credential(
        clientCertificateData=pki.admin_certificate.read_text(), clientKeyData=pki.admin_key.read_text()
    )
    body = f"if [ -e {tmp_path}/renewed ]; then\n{second}\nelse\n{first}\nfi"
    cluster = client(api_server, tmp_path, execute(plugin(tmp_path / "p", body)))
    assert who(cluster) == "kube-apiserver"
    (tmp_path / "renewed").touch()
    assert who(cluster) == "admin"


def test_a_token_file_is_read_anew(api_server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path / "t", f"{api_server.token}\n")
    cluster = client(api_server, tmp_path, {"tokenFile": "t"})
    assert who(cluster) == "jane"
    monkeypatch.setattr(logins, "TOKEN_FILE_SECONDS", 0.0)
    cluster = client(api_server, tmp_path, {"tokenFile": "t"})
    file.unlink()
    assert who(cluster) == "jane"  # the last one that could be read
    write(file, WRONG)
    with pytest.raises(ApiError, match="401"):
        who(cluster)


def test_a_token_that_was_renewed_helps_against_a_refusal(api_server: ApiServer, tmp_path: Path) -> None:
    file = write(tmp_path / "t", WRONG)
    cluster = client(api_server, tmp_path, {"tokenFile": "t"})
    file.write_text(api_server.token)
    assert who(cluster) == "jane"


def exec_in(cluster: Cluster, namespace_of_pod: str) -> str:
    """What the API server says to a command in a pod that has no node: the way to it is open."""
    with pytest.raises(ClusterError) as caught:
        run_in_container(cluster, Container(namespace_of_pod, "p", "c"), ["true"], silence=10)
    return str(caught.value)


@pytest.fixture
def pod(cluster: Cluster, name: str) -> str:
    cluster.apply(namespace(name))
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": name}}
    cluster.apply(account)
    spec = {"containers": [{"name": "c", "image": "example.org/x"}], "automountServiceAccountToken": False}
    cluster.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": name}, "spec": spec})
    return name


@pytest.mark.parametrize("way", ["direct", "name", "http", "https", "socks5", "environment"])
def test_a_command_in_a_pod_goes_the_same_way(
    api_server: ApiServer, tmp_path: Path, pod: str, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    pki = api_server.pki
    user = {"client-certificate": str(pki.admin_certificate), "client-key": str(pki.admin_key)}
    target = ("127.0.0.1", api_server.port)
    hidden = {"server": "https://kube.invalid:6443", "tls-server-name": "localhost"}
    login = "me:pass-phrase"
    if way in ("http", "https", "environment"):
        made: ForwardProxy = ConnectProxy(target, login)
        made.tls = (str(pki.server_certificate), str(pki.server_key)) if way == "https" else None
    else:
        made = SocksProxy(target, login) if way == "socks5" else ForwardProxy(target, host="127.0.0.2")
    with serving(made) as proxy:
        if way == "direct":
            fields = {}
        elif way == "name":
            fields = {"server": f"https://127.0.0.2:{proxy.port}", "tls-server-name": "localhost"}
        elif way == "environment":
            monkeypatch.setenv("HTTPS_PROXY", f"{login}@127.0.0.1:{proxy.port}")
            fields = hidden
        else:
            fields = {**hidden, "proxy-url": f"{way}://{login}@localhost:{proxy.port}"}
        cluster = client(api_server, tmp_path, user, **fields)
        assert "status 400: pod p does not have a host assigned" in exec_in(cluster, pod)
        assert cluster.get("v1", "Namespace", pod)
    assert bool(proxy.asked) is (way not in ("direct", "name"))


def test_a_command_in_a_pod_is_run_as_somebody_else(api_server: ApiServer, tmp_path: Path, pod: str) -> None:
    pki = api_server.pki
    user = {"client-certificate": str(pki.admin_certificate), "client-key": str(pki.admin_key), "as": "joe"}
    said = exec_in(client(api_server, tmp_path, user), pod)
    assert 'status 403: pods "p" is forbidden: User "joe"' in said


def test_a_command_in_a_pod_behind_a_bad_proxy_is_a_clear_error(
    api_server: ApiServer, tmp_path: Path, pod: str
) -> None:
    pki = api_server.pki
    user = {"client-certificate": str(pki.admin_certificate), "client-key": str(pki.admin_key)}
    with serving(ConnectProxy(("127.0.0.1", api_server.port), "you:else")) as proxy:
        cluster = client(api_server, tmp_path, user, **{"proxy-url": f"http://me:pass-phrase@127.0.0.1:{proxy.port}"})
        said = exec_in(cluster, pod)
    assert "exec in pod" in said and "the proxy refuses: 407" in said and "pass-phrase" not in said


PASSWORD = 'pass&phrase"/9'
ANSWERS = {
    "header": lambda sent: f"HTTP/1.1 418 x\r\n\r\nno entry for {sent}",
    "password": lambda sent: f"HTTP/1.1 418 x\r\n\r\nno entry for {PASSWORD}",
    "JSON by Go": lambda sent: 'HTTP/1.1 418 x\r\n\r\n{"message":"no entry for pass\\u0026phrase\\"/9"}',
    "status line": lambda sent: f"no entry for {PASSWORD}\r\n\r\n",
    "chunk": lambda sent: f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{PASSWORD}\r\n",
}


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("user", [{"token": PASSWORD}, {"username": "me", "password": PASSWORD}])
def test_an_answer_that_repeats_the_credential_is_shown_without(
    api_server: ApiServer, tmp_path: Path, user: dict[str, str], answer: str
) -> None:
    class Echo(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

        def do_GET(self) -> None:
            self.wfile.write(ANSWERS[answer](self.headers["Authorization"]).encode())
            self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(api_server.pki.server_certificate, api_server.pki.server_key)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    cluster = client(api_server, tmp_path, user, server=f"https://127.0.0.1:{server.server_address[1]}")
    with pytest.raises(KubeError, match=r"\*\*\*") as caught:
        cluster.transport.call("GET", "/version", deadline=Deadline(0.1))
    said = "".join(traceback.format_exception(caught.value))
    assert PASSWORD not in said and PASSWORD not in said.replace("\\", "")
    server.shutdown()
    server.server_close()


def test_a_kubeconfig_is_read_anew_each_time_its_token_has_run_out(api_server: ApiServer, tmp_path: Path) -> None:
    """By whatever asks: tokens of an hour run out more than once in a long run."""
    cluster = client(api_server, tmp_path, {"token": api_server.token})

    def stale() -> None:
        cluster.transport.connection = client(api_server, tmp_path / "stale", {"token": WRONG}).transport.connection

    stale()
    assert who(cluster) == "jane"
    stale()
    assert who(cluster) == "jane"
    stale()
    with pytest.raises(ApiError, match="403"):
        cluster.transport.stream("/api/v1/namespaces", {"watch": "1"}, 5.0)
    stale()
    with pytest.raises(ApiError, match="403"):
        cluster.transport.read_text("/api/v1/namespaces/x/pods/p/log", {}, 5.0)
    stale()
    assert "status 403" in exec_in(cluster, "default")
    write(tmp_path / "config", config({"server": api_server.url, "insecure-skip-tls-verify": True}, {"token": WRONG}))
    stale()
    before = cluster.transport.requests
    with pytest.raises(ApiError, match="401"):
        who(cluster)
    assert cluster.transport.requests == before + 2


@pytest.mark.parametrize(
    "words",
    [
        "AADSTS7000215: client_secret=canary-1",
        '{"access_token": "canary-1", "n": 1}',
        "see https://login.example/x?code=canary-1",
        "found $AWS_SECRET_ACCESS_KEY in the environment",
        "password: canary-1",
    ],
)
def test_words_of_a_plugin_are_told_without_what_looks_like_a_credential(
    api_server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "inherited-canary")
    script = plugin(tmp_path / "p", f"cat >&2 <<END\n{words}\nwhat else\nEND\nexit 3")
    with pytest.raises(ClusterError, match=r"\*\*\*.* what else$") as caught:
        who(client(api_server, tmp_path, execute(script)))
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"as": "joe\n"}, "as"),
        ({"as": " joe"}, "as"),
        ({"as": "joe", "as-uid": "1\t"}, "as-uid"),
        ({"as": "joe", "as-groups": ["a\r\nImpersonate-Group: system:masters"]}, "as-groups"),
        ({"as": "joe", "as-user-extra": {"k": ["v", "v\x01"]}}, "as-user-extra"),
    ],
)
def test_an_impersonation_that_no_header_keeps_is_refused(
    api_server: ApiServer, tmp_path: Path, fields: dict[str, Any], key: str
) -> None:
    with pytest.raises(ClusterError, match=f"cannot be used: {key} holds a control character, or a blank"):
        client(api_server, tmp_path, {"token": WRONG, **fields})
