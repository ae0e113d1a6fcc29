"""Which set is chosen, and what is refused."""

from __future__ import annotations

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.releases.choice import choose
from ansible_collections.selfhosted.serverless.plugins.module_utils.releases.sets import (
    COMPONENTS,
    Releases,
    ReleaseSet,
    ReleaseSetError,
    read_releases,
)

RELEASES = read_releases()
# With a set that is chosen by its name alone
OLD = ReleaseSet("old", {**RELEASES.sets["knative-1.22"].versions, "knative_serving": "1.15.2"}, "1.28", "1.37", False)
WITH_OLD = Releases({**RELEASES.sets, "old": OLD}, RELEASES.content)


@pytest.mark.parametrize("server", ["v1.34.0", "v1.36.3", "v1.37.2", "v1.35.4+k3s1", "v1.34.1-gke.1000", "1.36.0"])
def test_the_servers_version_chooses(server: str) -> None:
    chosen = choose(RELEASES, "auto", server, {})
    assert chosen.release.name == "knative-1.22"
    assert chosen.versions == {
        "metrics_server": "0.9.0",
        "istio": "1.30.5",
        "knative_serving": "1.22.1",
        "knative_net_istio": "1.22.1",
        "knative_eventing": "1.22.2",
    }
    assert set(chosen.manifests) == set(COMPONENTS) and not chosen.untried
    assert set(chosen.post_install) == {"knative_serving", "knative_eventing"}
    assert [item["name"] for item in chosen.addons["istio"]] == ["prometheus.yaml", "kiali.yaml"]
    assert "Knative Serving 1.22.1" in chosen.line(server)


def test_a_name_chooses() -> None:
    assert choose(RELEASES, "knative-1.23", "v1.36.3", {}).versions["knative_eventing"] == "1.23.0"
    assert choose(WITH_OLD, "old", "v1.30.0", {}).versions["knative_serving"] == "1.15.2"


@pytest.mark.parametrize(("wanted", "server", "given", "said"), [
    ("auto", "v1.33.9", {}, "no set .* v1.33.9.*knative-1.22 .Kubernetes 1.34 to 1.37.*upgrade the cluster$"),
    ("auto", "v1.27.0", {}, "upgrade the cluster$"),
    ("auto", "v1.38.0", {}, "no set .*untried: true"),
    ("auto", "latest", {}, "'latest', which is no version"),
    ("knative-1.22", "v1.33.9", {}, "v1.33.9 is older than 1.34"),
    ("knative-1.22", "v1.38.0", {}, "v1.38.0 is newer than 1.37"),
    ("knative-1.99", "v1.36.0", {}, "no set 'knative-1.99'; there are auto, knative-1.22"),
    ("auto", "v1.36.0", {"knative_serving": "1.23.0"}, "1.23.0 is not known.*it is in the set knative-1.23"),
    ("auto", "v1.36.0", {"knative_eventing": "1.21.4"}, "which has Knative Eventing 1.22"),
    ("auto", "v1.36.0", {"istio": "1.29.2"}, "which has Istio 1.30, 1.31"),
    ("auto", "v1.36.0", {"metrics_server": "latest"}, "metrics_server_version: latest is no version such as 0.9.0"),
    ("knative-1.23", "v1.36.0", {"istio": "1.29.2", "knative_net_istio": "1.22.1"}, "istio_version.*net_istio_version"),
])  # fmt: skip
def test_what_is_not_known_to_work_is_refused_with_its_reason(
    wanted: str, server: str, given: dict[str, str], said: str
) -> None:
    with pytest.raises(ReleaseSetError, match=said):
        choose(RELEASES, wanted, server, given)


def test_a_set_that_is_not_offered_is_named_where_it_would_fit() -> None:
    assert choose(WITH_OLD, "auto", "v1.36.3", {}).release.name == "knative-1.22"
    with pytest.raises(ReleaseSetError, match="upgrade the cluster, or name an older set in serverless_release: old"):
        choose(WITH_OLD, "auto", "v1.33.9", {})


def test_single_versions_come_on_top_where_they_are_known_to_fit() -> None:
    chosen = choose(RELEASES, "auto", "v1.36.0", {"istio": "1.31.1", "knative_serving": "1.22.7"})
    assert (chosen.versions["istio"], chosen.versions["knative_serving"]) == ("1.31.1", "1.22.7")
    # Content is had for a version of another set, and not for one of no set
    assert chosen.manifests["istio"][0]["sources"][0]["image"] == "docker.io/istio/istioctl:1.31.1"
    assert "knative_serving" not in chosen.manifests and "knative_serving" not in chosen.post_install
    assert "eed52ebb66ad" in chosen.addons["istio"][1]["sources"][0]["url"]


def test_what_is_untried_may_be_asked_for_and_is_told() -> None:
    chosen = choose(RELEASES, "knative-1.22", "v1.38.0", {"istio": "1.29.2"}, allow_untried=True)
    assert chosen.versions["istio"] == "1.29.2" and len(chosen.untried) == 2
