"""Foreign objects of the kinds that a run lists."""

from __future__ import annotations

from collections import Counter

from bench.site_foreign import MAKERS, chosen, objects


def test_only_kinds_that_are_listed_and_can_be_made_are_chosen() -> None:
    assert chosen(Counter({"deployments.apps": 3, "configmaps": 9, "nodes": 5})) == ["configmaps", "deployments.apps"]


def test_kinds_take_turns_and_names_differ() -> None:
    made = list(objects(list(MAKERS), 3, 25))
    assert len({(path, body["metadata"]["name"]) for path, body in made}) == 22
    assert {path for path, _body in made} == {MAKERS[kind]("x")[0] for kind in MAKERS}
