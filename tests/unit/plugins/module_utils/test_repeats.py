"""What stays the same is told twice a minute."""

from __future__ import annotations

from ansible_collections.selfhosted.serverless.plugins.module_utils.repeats import REPEAT_AFTER, Repeats


def test_the_same_is_told_again_after_a_while_with_its_age() -> None:
    clock = [100.0]
    repeats = Repeats(lambda: clock[0])
    assert repeats.age("1 of 2") == 0.0
    ages = []
    for _tick in range(16):
        clock[0] += 4.0
        ages.append(repeats.age("1 of 2"))
    assert [age for age in ages if age is not None] == [32.0, 64.0]
    assert repeats.age("2 of 2") == 0.0
    clock[0] += REPEAT_AFTER - 1
    assert repeats.age("2 of 2") is None
    assert repeats.age("1 of 2") == 0.0
