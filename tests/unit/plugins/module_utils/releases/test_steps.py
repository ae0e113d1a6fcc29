"""Which step from what stands is taken, and what a refusal says."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.releases.choice import Chosen, choose
from ansible_collections.selfhosted.serverless.plugins.module_utils.releases.sets import (
    COMPONENTS,
    Releases,
    ReleaseSet,
    ReleaseSetError,
    read_releases,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.releases.steps import Standing, is_downgrade, moves
from ansible_collections.selfhosted.serverless.plugins.module_utils.versions import Version, one_step

RELEASES = read_releases()
OLD = RELEASES.sets["knative-1.22"].versions
NEW = RELEASES.sets["knative-1.23"].versions


def standing(versions: dict[str, str] | None = None, **more: Standing) -> dict[str, Standing]:
    return {**{name: Standing(version) for name, version in (versions or dict(OLD)).items()}, **more}


def chosen(name: str, **given: str) -> Chosen:
    return choose(RELEASES, name, "v1.36.3", given)


@pytest.mark.parametrize(("before", "after", "why"), [
    ("1.22.1", "1.22.1", ""),
    ("1.22.1", "1.22.9", ""),
    ("1.22.1", "1.23.0", ""),
    ("1.31-alpha.b01690e6db7d", "1.31.1", ""),
    ("1.30.5-distroless", "1.30.5", ""),
    ("1.22.1", "1.24.0", "2 minors on"),
    ("1.15.2", "1.22.1", "7 minors on"),
    ("1.22.1", "1.22.0", "older"),
    ("1.31.1", "1.31.0-rc.1", "older"),
    ("1.31.0", "1.31.0-rc.1", "older"),
    ("1.23.0", "1.22.9", "older"),
    ("1.26.0", "2.0.0", "another major"),
])  # fmt: skip
def test_one_minor_at_a_time_and_never_back(before: str, after: str, why: str) -> None:
    assert (one_step(before, after) == "") if not why else (why in one_step(before, after))


@pytest.mark.parametrize("text", ["latest", "", "1", "v1.22", "1.x"])
def test_what_is_no_version(text: str) -> None:
    with pytest.raises(ValueError, match="is no version"):
        Version.parse(text)


def test_what_was_upgraded_by_hand_is_not_made_older() -> None:
    there = standing(knative_serving=Standing("1.22.1", seen=("1.23.0",)))
    auto = choose(RELEASES, "auto", "v1.36.3", {}, is_older=lambda versions: is_downgrade(there, versions))
    assert auto.release.name == "knative-1.23"
    assert [str(move) for move in moves(RELEASES, there, auto)[0]][1] == "Knative Serving 1.22.1 → 1.23.0"
    advice = r"serverless_release: knative-1.23\), or keep what stands \(.*knative_serving_version: 1.23.0"
    with pytest.raises(ReleaseSetError, match=advice):
        moves(RELEASES, there, chosen("knative-1.22"))


def test_the_way_begins_at_what_was_made_older_by_hand() -> None:
    there = standing(knative_serving=Standing("1.22.1", seen=("1.21.0",)))
    with pytest.raises(
        ReleaseSetError, match="own: serverless_release: knative-1.22, then serverless_release: knative-1.23"
    ):
        moves(RELEASES, there, chosen("knative-1.23"))
    there = standing(knative_serving=Standing("1.22.1", seen=("1.20.0",)))
    with pytest.raises(ReleaseSetError, match="No sets of this collection lead there.*knative_serving_version 1.21"):
        moves(RELEASES, there, chosen("knative-1.22"))


def test_nothing_stands_or_nothing_changes() -> None:
    assert moves(RELEASES, {}, chosen("knative-1.23")) == ([], [])
    assert moves(RELEASES, standing(), chosen("knative-1.22")) == ([], [])


def test_the_next_set_is_one_step() -> None:
    found, untried = moves(RELEASES, standing(), chosen("knative-1.23"))
    assert [str(move) for move in found] == [
        "Istio 1.30.5 → 1.31.1",
        "Knative Serving 1.22.1 → 1.23.0",
        "net-istio 1.22.1 → 1.23.0",
        "Knative Eventing 1.22.2 → 1.23.0",
    ]
    assert not untried


def test_a_step_back_is_refused_with_what_stays_possible() -> None:
    with pytest.raises(ReleaseSetError) as refused:
        moves(RELEASES, standing(dict(NEW)), chosen("knative-1.22"))
    said = str(refused.value)
    assert "Knative Serving 1.23.0 cannot become 1.22.1: it is older" in said
    assert "Istio 1.31.1 cannot become 1.30.5: it is older" in said
    assert "serverless_release: knative-1.23" in said and "knative_serving_version: 1.23.0" in said
    assert "uninstall.yml" in said


def test_metrics_server_may_leap_but_not_go_back() -> None:
    wanted = chosen("knative-1.22")
    assert len(moves(RELEASES, {"metrics_server": Standing("0.6.4")}, wanted)[0]) == 1
    with pytest.raises(ReleaseSetError, match=r"metrics-server 0.10.0 cannot become 0.9.0: it is older"):
        moves(RELEASES, {"metrics_server": Standing("0.10.0")}, wanted)


def test_a_wide_step_without_sets_in_between_names_the_minors() -> None:
    with pytest.raises(ReleaseSetError) as refused:
        moves(RELEASES, {"knative_serving": Standing("1.19.9")}, chosen("knative-1.22"))
    said = str(refused.value)
    assert "Knative Serving 1.19.9 cannot become 1.22.1: it is 3 minors on" in said
    assert "knative_serving_version 1.20, 1.21" in said and "serverless_release_untried: true" in said


def made_up(*minors: int) -> Releases:
    """Sets s21, s22, ... of which each may follow the one before."""
    sets = {}
    for minor in minors:
        versions = {name: f"1.{minor}.0" for name in COMPONENTS}
        before = (f"s{minor - 1}",) if f"s{minor - 1}" in sets else ()
        sets[f"s{minor}"] = ReleaseSet(f"s{minor}", versions, "1.34", "1.37", True, upgrade_from=before)
    return Releases(sets, {name: {f"1.{minor}.0": {} for minor in minors} for name in COMPONENTS})


def test_a_wide_step_names_the_sets_in_order() -> None:
    releases = made_up(21, 22, 23, 24)
    there = standing(dict(releases.sets["s21"].versions))
    with pytest.raises(ReleaseSetError) as refused:
        moves(releases, there, choose(releases, "s24", "v1.36.0", {}))
    assert (
        "in steps, each with a run of its own: serverless_release: s22, then serverless_release: s23, "
        "then serverless_release: s24"
    ) in str(refused.value)


def test_sets_that_nobody_has_gone_between_are_untried() -> None:
    releases = made_up(21, 22)
    sets = dict(releases.sets) | {"s22": replace(releases.sets["s22"], upgrade_from=())}
    releases = Releases(sets, releases.content)
    there = standing(dict(sets["s21"].versions))
    wanted = choose(releases, "s22", "v1.36.0", {})
    with pytest.raises(ReleaseSetError, match="from the set s21 to the set s22 is not known to work.*untried: true"):
        moves(releases, there, wanted)
    found, untried = moves(releases, there, wanted, allow_untried=True)
    assert len(found) == len(COMPONENTS) and len(untried) == 1


def test_an_upgrade_that_has_not_ended_goes_on_or_back_and_nowhere_else() -> None:
    half = standing(knative_serving=Standing("1.22.1", begun="1.23.0"))
    back, _untried = moves(RELEASES, half, chosen("knative-1.22"))
    assert [str(move) for move in back] == ["Knative Serving 1.23.0 → 1.22.1 (back)"]
    on, _untried = moves(RELEASES, half, chosen("knative-1.23"))
    assert "Knative Serving 1.22.1 → 1.23.0" in map(str, on)
    releases = made_up(22, 23, 24)
    with pytest.raises(ReleaseSetError, match="an upgrade to 1.23.0 has begun.*come to its end"):
        moves(
            releases,
            {"knative_serving": Standing("1.22.0", begun="1.23.0")},
            choose(releases, "s24", "v1.36.0", {}),
        )


def test_what_the_objects_say_counts_beside_the_inventory() -> None:
    """Somebody applied a newer one by hand, or a control plane of before is still there."""
    with pytest.raises(ReleaseSetError, match="from 1.23.0 it is older"):
        moves(RELEASES, standing(knative_serving=Standing("1.22.1", seen=("1.23.0",))), chosen("knative-1.22"))
    releases = made_up(30, 31, 32)
    there = {"istio": Standing("1.31.0", seen=("1.30.0",))}
    with pytest.raises(ReleaseSetError, match="there is 1.30.0 too.*from 1.30.0 it is 2 minors on"):
        moves(releases, there, choose(releases, "s32", "v1.36.0", {}))
    assert not moves(releases, there, choose(releases, "s31", "v1.36.0", {}))[0]


def test_what_cannot_be_compared_forbids_nothing() -> None:
    assert moves(RELEASES, {"istio": Standing("latest")}, chosen("knative-1.22"))[0]


def test_auto_never_goes_back() -> None:
    def older(versions: dict[str, str]) -> bool:
        return is_downgrade(standing(dict(NEW)), versions)

    assert choose(RELEASES, "auto", "v1.36.3", {}).release.name == "knative-1.22"
    assert choose(RELEASES, "auto", "v1.36.3", {}, is_older=older).release.name == "knative-1.23"
    # Where all are older the first is named, and refused by moves
    assert choose(RELEASES, "auto", "v1.36.3", {}, is_older=lambda versions: True).release.name == "knative-1.22"
