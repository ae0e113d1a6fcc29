"""The order of a script's documents, and the steps of the application among what was rendered."""

from __future__ import annotations

import pytest

from bench.site_documents import split, steps_of


def document(kind: str, api_version: str = "v1") -> dict[str, str]:
    return {"apiVersion": api_version, "kind": kind}


def test_definitions_come_first_and_webhooks_last() -> None:
    kinds = ["Namespace", "ValidatingWebhookConfiguration", "CustomResourceDefinition", "Deployment"]
    crds, rest = split([document(kind) for kind in kinds])
    assert [item["kind"] for item in crds] == ["CustomResourceDefinition"]
    assert [item["kind"] for item in rest] == ["Namespace", "Deployment", "ValidatingWebhookConfiguration"]


def test_the_steps_are_those_with_the_job_and_with_the_first_services() -> None:
    planned, first, whole = ([document("Service", "serving.knative.dev/v1"), document(kind)] for kind in "ABC")
    volume = [document("Namespace"), document("Job", "batch/v1")]
    assert steps_of([planned, volume, first, whole]) == (volume, first)


@pytest.mark.parametrize("kinds", [["Namespace"], ["Namespace", "Job", "Service"]])
def test_a_site_that_was_there_before_has_no_steps_to_see(kinds: list[str]) -> None:
    with pytest.raises(SystemExit, match="were not seen"):
        steps_of([[document(kind)] for kind in kinds])
