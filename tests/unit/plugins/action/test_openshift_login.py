"""Plays that log in to OpenShift: once a run, without the password anywhere, and logged out at the end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from fault_proxy import Fault
from openshift_api import PASSWORD, TOKENS, USER, VERSION, OpenShiftApi
from plays import play

# Of the context that `oc login` would have written
CONTEXT = "default/api-test-example:6443/developer"
PREFLIGHT: dict[str, Any] = {"selfhosted.serverless.preflight": {"check_names": False}}
# A task that fails after a login
REFUSED: dict[str, Any] = {"selfhosted.serverless.preflight": {"check_names": False, "minimum_kubernetes": "9.0"}}


@pytest.fixture(autouse=True)
def as_it_was(openshift: OpenShiftApi, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nobody is logged in, and the developer may do all."""
    openshift.grant()
    openshift.oauth.logins = 0
    openshift.oauth.tokens.clear()
    openshift.front.requests.clear()
    monkeypatch.setenv("OPENSHIFT_PASSWORD", PASSWORD)
    yield


def variables(openshift: OpenShiftApi, folder: Path, **login: Any) -> list[str]:
    """The options of a run on the front, by a kubeconfig whose context has no user."""
    kubeconfig = openshift.user_kubeconfig(folder / "kubeconfig", CONTEXT)
    option = {"username": USER, "password": {"env": "OPENSHIFT_PASSWORD"}, **login}
    option.setdefault("ca_file", str(openshift.ingress_pki.ca_certificate))
    said = {"serverless_kubeconfig": str(kubeconfig), "serverless_context": CONTEXT}
    file = folder / "variables.yml"
    file.write_text(yaml.safe_dump({**said, "serverless_openshift_login": option}))
    return ["-e", f"@{file}", "-vvv"]


def test_a_run_logs_in_once_and_out_at_its_end(openshift: OpenShiftApi, tmp_path: Path) -> None:
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "of-a-login"}}
    apply = {"selfhosted.serverless.release": {"name": "of-a-login", "definitions": [namespace]}}
    result, output = play(tmp_path, [PREFLIGHT, apply, PREFLIGHT], *variables(openshift, tmp_path))
    assert (result["kind"], result["openshift"]) == ("openshift", VERSION)
    assert openshift.oauth.logins == 1
    assert openshift.oauth.tokens == {}, "the token of the run was revoked"
    assert [method for method, path in openshift.front.requests if path.startswith(TOKENS)] == ["DELETE"]
    assert openshift.administrator().get("v1", "Namespace", "of-a-login") is not None
    assert PASSWORD not in output
    assert "sha256~" not in output


def test_a_run_that_fails_logs_out_too(openshift: OpenShiftApi, tmp_path: Path) -> None:
    result, _output = play(tmp_path, [PREFLIGHT, REFUSED], *variables(openshift, tmp_path))
    assert "older than 9.0" in result["msg"]
    assert openshift.oauth.logins == 1
    assert openshift.oauth.tokens == {}


def test_a_token_that_cannot_be_revoked_is_told(openshift: OpenShiftApi, tmp_path: Path) -> None:
    openshift.front.faults.append(Fault("DELETE", "oauthaccesstokens", 500))
    try:
        _result, output = play(tmp_path, [PREFLIGHT], *variables(openshift, tmp_path))
    finally:
        openshift.front.faults.clear()
    assert "could not be revoked, and holds until it runs out" in " ".join(output.split())
    assert len(openshift.oauth.tokens) == 1


@pytest.mark.parametrize(
    ("login", "words"),
    [
        ({"username": "nobody"}, "does not accept the password of nobody"),
        ({"ca_file": ""}, "ca_file: ingress-ca.crt"),
        ({"password": {"env": "NOT_SET"}}, "the environment variable NOT_SET is not set or empty"),
        ({"password": "test-only-plain"}, "has a password that is written into it"),
        ({"token": {"env": "OPENSHIFT_PASSWORD"}}, "has both a token and a user's name or password"),
    ],
)
def test_a_login_that_fails_is_one_error_before_any_change(
    openshift: OpenShiftApi, tmp_path: Path, login: dict[str, Any], words: str
) -> None:
    result, output = play(tmp_path, [PREFLIGHT], *variables(openshift, tmp_path, **login))
    assert words in result["msg"]
    assert result["msg"].startswith(f"context '{CONTEXT}': ")
    assert PASSWORD not in output
    assert "test-only-plain" not in output
    assert openshift.front.writes == []
