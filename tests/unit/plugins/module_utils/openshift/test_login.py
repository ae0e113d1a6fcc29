"""Logins against a test OAuth server, whose tokens a real API server accepts by its TokenReviews."""

from __future__ import annotations

import multiprocessing
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import ClusterError
from ansible_collections.selfhosted.serverless.plugins.module_utils.openshift.login import (
    fault_of,
    login_for,
    revoke_all,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.openshift.oauth import stored_name
from fault_proxy import Fault
from kubeconfigs import REVIEW, WHO
from kubernetes.client import Configuration
from openshift.helper.userpassauth import OCPLoginConfiguration
from openshift_api import PASSWORD, TOKENS, USER, OpenShiftApi

NAME = "TEST_OPENSHIFT_PASSWORD"


@pytest.fixture(autouse=True)
def as_it_was(openshift: OpenShiftApi, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The password is in the environment, and the servers are set back afterwards."""
    monkeypatch.setenv(NAME, PASSWORD)
    oauth = openshift.oauth
    oauth.logins = 0
    yield
    oauth.challenges, oauth.pkce, oauth.failure, oauth.status = True, True, None, 0
    openshift.front.faults.clear()


@pytest.fixture
def kubeconfig(openshift: OpenShiftApi, tmp_path: Path) -> str:
    """A kubeconfig whose context has no user."""
    return str(openshift.user_kubeconfig(tmp_path / "kubeconfig"))


@pytest.fixture
def option(openshift: OpenShiftApi) -> dict[str, Any]:
    """A login that is right in all."""
    ca_file = str(openshift.ingress_pki.ca_certificate)
    return {"username": USER, "password": {"env": NAME}, "ca_file": ca_file}


def connected(kubeconfig: str, option: dict[str, Any], directory: Path | None = None) -> Cluster:
    login = login_for(option, "test", kubeconfig, directory)
    return Cluster.connect("test", kubeconfig, login_for=login)


def who(cluster: Cluster) -> str:
    return cluster.transport.call("POST", WHO, body=REVIEW)["status"]["userInfo"]["username"]


def failure(kubeconfig: str, option: dict[str, Any]) -> str:
    with pytest.raises(ClusterError) as caught:
        who(connected(kubeconfig, option))
    said = str(caught.value)
    assert PASSWORD not in said
    assert "\n" not in said
    return said


def test_a_password_gets_a_token_that_the_api_server_accepts(kubeconfig: str, option: dict[str, Any]) -> None:
    assert who(connected(kubeconfig, option)) == USER


def test_a_server_without_pkce_gives_one_too(openshift: OpenShiftApi, kubeconfig: str, option: dict[str, Any]) -> None:
    openshift.oauth.pkce = False
    assert who(connected(kubeconfig, option)) == USER


def test_the_password_is_sent_only_where_it_is_asked_for(
    openshift: OpenShiftApi, kubeconfig: str, option: dict[str, Any]
) -> None:
    openshift.oauth.requests.clear()
    who(connected(kubeconfig, option))
    steps = [path.partition("?")[0] for method, path in openshift.oauth.requests if "tokenreviews" not in path]
    assert steps == ["/oauth/authorize", "/oauth/authorize", "/oauth/token"]
    assert not any(PASSWORD in path or USER in path for _method, path in openshift.oauth.requests)


def test_nothing_is_asked_before_it_is_needed(openshift: OpenShiftApi, kubeconfig: str, option: dict[str, Any]) -> None:
    connected(kubeconfig, option)
    assert openshift.oauth.logins == 0


def test_the_kubeconfigs_user_does_not_count_beside_a_login(
    openshift: OpenShiftApi, tmp_path: Path, option: dict[str, Any]
) -> None:
    others = openshift.user_kubeconfig(tmp_path / "others", token=openshift.oauth.give("somebody"))
    assert who(connected(str(others), option)) == USER


def test_a_token_is_used_as_it_is(openshift: OpenShiftApi, kubeconfig: str, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{openshift.oauth.give('somebody')}\n")
    openshift.oauth.logins = 0
    assert who(connected(kubeconfig, {"token": {"file": str(tmp_path / "token")}})) == "somebody"
    assert openshift.oauth.logins == 0


def test_a_token_that_was_renewed_in_its_file_is_read_anew(
    openshift: OpenShiftApi, kubeconfig: str, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text(openshift.oauth.give("somebody"))
    cluster = connected(kubeconfig, {"token": {"file": str(file)}})
    openshift.oauth.revoke(stored_name(file.read_text()))
    file.write_text(openshift.oauth.give("somebody"))
    assert who(cluster) == "somebody"


def test_the_tasks_of_a_run_log_in_once(
    openshift: OpenShiftApi, kubeconfig: str, option: dict[str, Any], tmp_path: Path
) -> None:
    context = multiprocessing.get_context("fork")
    tasks = [context.Process(target=lambda: who(connected(kubeconfig, option, tmp_path))) for _number in range(6)]
    for task in tasks:
        task.start()
    for task in tasks:
        task.join(120)
    assert [task.exitcode for task in tasks] == [0] * 6
    assert openshift.oauth.logins == 1


def test_threads_log_in_once(openshift: OpenShiftApi, kubeconfig: str, option: dict[str, Any]) -> None:
    cluster = connected(kubeconfig, option)
    threads = [threading.Thread(target=who, args=(cluster,)) for _number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert openshift.oauth.logins == 1


def test_the_token_is_kept_from_others(kubeconfig: str, option: dict[str, Any], tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    who(connected(kubeconfig, option, folder))
    files = sorted(folder.iterdir())
    assert [file.suffix for file in files] == [".json", ".lock"]
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in files)
    assert not any(PASSWORD in file.read_text() for file in files)


def test_a_token_that_is_refused_is_replaced(
    openshift: OpenShiftApi, kubeconfig: str, option: dict[str, Any], tmp_path: Path
) -> None:
    cluster = connected(kubeconfig, option, tmp_path)
    cluster.transport.connection.headers()
    openshift.oauth.tokens.clear()  # before its first use: the API server believes a token for ten seconds
    assert who(cluster) == USER
    assert who(connected(kubeconfig, option, tmp_path)) == USER
    assert openshift.oauth.logins == 2


def test_the_end_of_a_run_revokes_its_token(
    openshift: OpenShiftApi, kubeconfig: str, option: dict[str, Any], tmp_path: Path
) -> None:
    openshift.oauth.tokens.clear()
    cluster = connected(kubeconfig, option, tmp_path)
    who(cluster)
    [name] = openshift.oauth.tokens
    assert revoke_all(tmp_path) == []
    assert openshift.oauth.tokens == {}
    assert ("DELETE", TOKENS + name) in openshift.front.requests
    assert revoke_all(tmp_path) == []
    assert not list(tmp_path.glob("*.json"))


def test_a_given_token_is_not_revoked(openshift: OpenShiftApi, kubeconfig: str, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(openshift.oauth.give("somebody"))
    who(connected(kubeconfig, {"token": {"file": str(tmp_path / "token")}}, tmp_path))
    assert revoke_all(tmp_path) == []
    assert "somebody" in openshift.oauth.tokens.values()


def test_a_token_that_cannot_be_revoked_is_told_by_its_name(
    openshift: OpenShiftApi, kubeconfig: str, option: dict[str, Any], tmp_path: Path
) -> None:
    openshift.oauth.tokens.clear()
    who(connected(kubeconfig, option, tmp_path))
    [name] = openshift.oauth.tokens
    openshift.front.faults.append(Fault("DELETE", "oauthaccesstokens", 500))
    [said] = revoke_all(tmp_path)
    assert said.startswith("context 'test': the token of this run could not be revoked")
    assert said.endswith(f"the API server answers 500. To revoke it: oc delete oauthaccesstoken {name}")


def test_a_wrong_password_is_told_and_not_sent_again(
    openshift: OpenShiftApi, kubeconfig: str, option: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(NAME, "another, test-only")
    openshift.oauth.requests.clear()
    said = failure(kubeconfig, option)
    assert f"does not accept the password of {USER}: look at both in serverless_openshift_login" in said
    assert openshift.oauth.url in said
    assert "another" not in said
    assert len(openshift.oauth.requests) == 2


def test_a_server_without_password_logins_says_where_a_token_is_had(
    openshift: OpenShiftApi, kubeconfig: str, option: dict[str, Any]
) -> None:
    openshift.oauth.challenges = False
    said = failure(kubeconfig, option)
    assert "takes no password from programs (You must obtain an API token by visiting" in said
    assert f"{openshift.oauth.url}/oauth/token/request" in said
    assert "serverless_openshift_login: {token: {env: NAME}}" in said


def test_a_certificate_of_another_authority_is_told_with_what_to_do(
    openshift: OpenShiftApi, kubeconfig: str, option: dict[str, Any]
) -> None:
    said = failure(kubeconfig, {**option, "ca_file": ""})
    assert "has a certificate that is not accepted" in said
    assert "default-ingress-cert" in said
    assert "ca_file: ingress-ca.crt" in said


def test_a_server_that_is_away_is_told(
    openshift: OpenShiftApi, kubeconfig: str, option: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(openshift.oauth), "metadata", property(lambda self: _elsewhere("https://127.0.0.1:1")))
    said = failure(kubeconfig, option)
    assert "the OAuth server https://127.0.0.1:1" in said
    assert "cannot be reached: Connection refused" in said


def test_an_address_without_tls_gets_no_password(
    openshift: OpenShiftApi, kubeconfig: str, option: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(openshift.oauth), "metadata", property(lambda self: _elsewhere("http://127.0.0.1:1")))
    assert "no https address; no password is sent to it" in failure(kubeconfig, option)


def test_an_error_of_the_server_is_passed_on(openshift: OpenShiftApi, kubeconfig: str, option: dict[str, Any]) -> None:
    openshift.oauth.failure = ("access_denied", f"the account is locked, {PASSWORD}")
    said = failure(kubeconfig, option)
    assert f"refuses the login of {USER} (access_denied the account is locked, " in said


def test_an_answer_that_is_none_is_told(openshift: OpenShiftApi, kubeconfig: str, option: dict[str, Any]) -> None:
    openshift.oauth.status = 500
    assert "answers 500 to a login; look at the pods of the namespace openshift-auth" in failure(kubeconfig, option)


def test_a_router_that_is_not_ready_yet_is_asked_again(
    openshift: OpenShiftApi, kubeconfig: str, option: dict[str, Any]
) -> None:
    openshift.oauth.status = 503
    threading.Timer(1.0, setattr, (openshift.oauth, "status", 0)).start()
    assert who(connected(kubeconfig, option)) == USER


def test_a_cluster_that_is_no_openshift_is_told(
    openshift: OpenShiftApi, kubeconfig: str, option: dict[str, Any]
) -> None:
    openshift.front.faults.append(Fault("GET", "well-known", 404))
    said = failure(kubeconfig, option)
    assert f"{openshift.front.url} names no OAuth server" in said
    assert "answers 404" in said


def test_a_token_that_has_run_out_is_told(openshift: OpenShiftApi, kubeconfig: str, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("sha256~of-long-ago")
    said = failure(kubeconfig, {"token": {"file": str(tmp_path / "token")}})
    assert "the API server does not accept the token of serverless_openshift_login: it has run out" in said
    assert "of-long-ago" not in said


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"password": {"env": "NOT_SET"}}, "the environment variable NOT_SET is not set or empty"),
        ({"password": {"file": "/nowhere"}}, "the file /nowhere with a secret cannot be read"),
        ({"ca_file": "/nowhere"}, "has the ca_file /nowhere, which cannot be read: No such file"),
        ({"ca_file": "/etc/hostname"}, "has the ca_file /etc/hostname, which holds no certificate"),
    ],
)
def test_what_the_option_names_must_be_there(
    kubeconfig: str, option: dict[str, Any], changed: dict[str, Any], words: str
) -> None:
    assert words in failure(kubeconfig, {**option, **changed})


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"username": "a"}, "has neither a token nor a user's name with a password"),
        ({"password": {"env": "A"}}, "has neither a token nor a user's name with a password"),
        ({"ca_file": "a"}, "has neither a token"),
        ({"token": {"env": "A"}, "username": "a"}, "has both a token and"),
        ({"username": "a:b", "password": {"env": "A"}}, "has a username that no password goes with"),
        ({"username": "a", "password": "secret"}, "has a password that is written into it"),
        ({"token": "secret"}, "has a token that is written into it"),
        ({"user": "a", "password": {"env": "A"}}, "has user; there are username, password, token, ca_file"),
    ],
)
def test_an_option_that_does_not_fit_together_is_refused(option: dict[str, Any], words: str) -> None:
    fault = fault_of(option)
    assert words in fault
    assert "secret" not in fault
    with pytest.raises(ClusterError, match="serverless_openshift_login has "):
        login_for(option, "test", None, None)


@pytest.mark.parametrize("option", [{}, {"username": "", "token": {}}, {"token": {"value": "a"}}])
def test_nothing_and_a_token_alone_are_good(option: dict[str, Any]) -> None:
    assert fault_of(option) == ""


class OtherClient(OCPLoginConfiguration):
    """The login of the package openshift; its own constructor gives kubernetes an argument that is gone there."""

    def __init__(self, host: str, username: str, password: str) -> None:
        Configuration.__init__(self, host=host)
        self.ocp_username, self.ocp_password = username, password


def test_the_client_of_the_package_openshift_gets_a_token_of_this_server_too(
    openshift: OpenShiftApi, kubeconfig: str, tmp_path: Path
) -> None:
    """So the test server does what another client of OpenShift's expects, not only what ours does."""
    authorities = tmp_path / "authorities.crt"
    files = (openshift.pki.ca_certificate, openshift.ingress_pki.ca_certificate)
    authorities.write_bytes(b"".join(file.read_bytes() for file in files))
    openshift.oauth.users["plain"] = "test-only"  # its Basic header is in Latin-1
    other = OtherClient(openshift.front.url, "plain", "test-only")
    other.ssl_ca_cert = str(authorities)
    other.get_token()
    (tmp_path / "token").write_text(other.token["access_token"])
    assert who(connected(kubeconfig, {"token": {"file": str(tmp_path / "token")}})) == "plain"


def _elsewhere(url: str) -> dict[str, Any]:
    return {"issuer": url, "authorization_endpoint": f"{url}/oauth/authorize", "token_endpoint": f"{url}/oauth/token"}
