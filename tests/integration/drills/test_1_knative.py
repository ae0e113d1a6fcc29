"""The lessons on Knative: each outcome by one command. The bounds are those that were promised."""

from __future__ import annotations

from .conftest import Drills

SVG = "{http://www.w3.org/2000/svg}"


def test_a_drill_is_told_and_not_made_in_check_mode(knative: Drills) -> None:
    done = knative.run("bad_version", "--check")
    assert done.returncode == 0, done.stdout[-4000:]
    assert "would roll out a version of rule" in done.stdout
    assert "changed=0" in done.stdout
    assert not list(knative.output.iterdir())


def test_a_drill_of_another_variant_says_what_to_do(knative: Drills) -> None:
    done = knative.run("scale_out")
    assert done.returncode != 0
    assert "the drill scale_out is made for the variant kubernetes or istio" in " ".join(done.stdout.split())
    assert "-e todo_variant=kubernetes" in done.stdout


def test_a_drill_without_the_application_says_what_is_missing(knative: Drills) -> None:
    done = knative.run("bad_version", "--check", drills_namespace="nowhere")
    assert done.returncode != 0
    assert "the to-do application is not in the namespace nowhere" in " ".join(done.stdout.split())


def test_no_drill_is_answered_with_the_list(knative: Drills) -> None:
    done = knative.run("")
    assert done.returncode != 0
    assert all(f"{name} (" in done.stdout for name in ("scale_out", "pod_loss", "traffic", "cold_start", "bad_version"))


def test_cold_starts_beside_warm_answers(knative: Drills) -> None:
    found = knative.make("cold_start", drills_cold_rounds=1, drills_warm_requests=20, drills_timeout=900)
    for service in ("user", "rule"):
        cold, warm = found.figures[f"{service}_cold"], found.figures[f"{service}_warm"]
        assert cold["requests"] >= 1 and warm["requests"] >= 20
        assert cold["failed"] == warm["failed"] == 0
        assert warm["p50"] < cold["p50"], "a pod that has to start takes longer"
        values = found.replicas(f"{service} present")
        assert 0 in values and values[-1] >= 1


def test_traffic_is_shifted_by_one_variable_and_put_back(knative: Drills) -> None:
    steps = [{"v1": 80, "v2": 20}, {"v1": 50, "v2": 50}, {"v1": 0, "v2": 100}]
    found = knative.make("traffic", drills_traffic_steps=steps, drills_requests=500)
    eighty, fifty, none = (split["answers"] for split in found.figures["splits"])
    assert sum(fifty.values()) == 500
    assert all(210 <= fifty[version] <= 290 for version in ("v1", "v2")), fifty
    assert none == {"v2": 500}
    assert eighty["v1"] > fifty["v1"]
    assert {text.text for text in found.plot.iter(SVG + "text")} >= {"80/20", "50/50", "0/100", "% of answers"}
    assert knative.is_as_before()


def test_a_bad_version_does_not_get_past_the_readiness_gate(knative: Drills) -> None:
    found = knative.make("bad_version", drills_hold=10)
    assert found.figures["requests"]["failed"] == 0 and found.figures["requests"]["requests"] > 200
    assert "Readiness probe failed" in found.figures["reason"]
    revisions = knative.site.objects("revisions.serving.knative.dev", "-n", "todo", "-l", "serverless.selfhosted/drill")
    assert not revisions
    assert knative.is_as_before()
