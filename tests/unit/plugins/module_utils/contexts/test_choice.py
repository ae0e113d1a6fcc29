"""Which contexts become hosts, and what is said where the options name what is not there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.selfhosted.serverless.plugins.module_utils.contexts.choice import (
    ChoiceError,
    group_of,
    hosts_of,
    is_lab,
    variables_of,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.kubeconfig import (
    Kubeconfig,
    load_kubeconfig,
)

LAB = {"provider": "selfhosted.serverless", "directory": "/var/lib/lab", "address": "127.0.0.3", "other": "x"}


@pytest.fixture
def config(tmp_path: Path) -> Kubeconfig:
    """A lab, two clusters of kind, and a context whose cluster is not in the file."""
    clusters: dict[str, Any] = {"lab": {"extensions": [{"name": "lab", "extension": LAB}]}, "kind-a": {}, "kind-b": {}}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": "https://a", **more}} for name, more in clusters.items()],
        "contexts": [
            {"name": name, "context": {"cluster": name, "user": "u"}} for name in ("lab", "kind-b", "kind-a", "gone")
        ],
    }
    (tmp_path / "config").write_text(yaml.safe_dump(content))
    return load_kubeconfig(str(tmp_path / "config"))


def test_hosts_are_what_is_matched_and_not_excluded(config: Kubeconfig) -> None:
    hosts = hosts_of(config, ["*"], ["kind-b"], [])
    assert [(host.name, host.kind, dict(host.variables)) for host in hosts] == [
        ("gone", "", {}),
        ("kind-a", "kind", {}),
        ("lab", "lab", {"lab_directory": "/var/lib/lab", "lab_address": "127.0.0.3"}),
    ]
    assert [group_of(host.kind) for host in hosts] == ["kind_unknown", "kind_kind", "kind_lab"]


@pytest.mark.parametrize(("patterns", "excluded"), [(["knd-*"], []), (["*"], ["knd-*"])])
def test_a_pattern_that_matches_nothing_is_misspelt(
    config: Kubeconfig, patterns: list[str], excluded: list[str]
) -> None:
    with pytest.raises(
        ChoiceError, match=r"no context of .*/config is called knd-\*; contexts there: gone, kind-a, kind-b"
    ):
        hosts_of(config, patterns, excluded, [])


def test_a_kubeconfig_without_contexts_has_no_hosts(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "Config"}))
    assert hosts_of(load_kubeconfig(str(tmp_path / "empty")), ["*"], ["kind-*"], []) == []


def test_variables_are_taken_by_pattern_and_the_last_word_counts() -> None:
    said = {"*": {"a": 1, "b": 1}, "kind-*": {"b": 2}, "lab": {"a": 3}}
    assert variables_of("kind-a", said) == {"a": 1, "b": 2}
    with pytest.raises(ChoiceError, match=r"variables has for lab no map of variables; write lab: \{NAME: VALUE\}"):
        variables_of("kind-a", {**said, "lab": "a=3"})


def test_the_lab_is_known_by_what_it_wrote(config: Kubeconfig) -> None:
    assert [is_lab(config, context) for context in ("lab", "kind-a", "gone", "nowhere")] == [True, False, False, False]
