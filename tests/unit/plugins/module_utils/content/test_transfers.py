"""What is told of files under way."""

from __future__ import annotations

import time

from ansible_collections.selfhosted.serverless.plugins.module_utils.content.transfers import Transfer, Transfers


def test_little_is_told_in_kilobytes_and_nothing_not_at_all() -> None:
    transfer = Transfer("istioctl", "site.example")
    assert str(transfer) == "istioctl from site.example"
    transfer.moved = 16_384
    assert str(transfer) == "istioctl, 16 kB, from site.example"
    transfer.expected = 31_400_000
    assert str(transfer) == "istioctl, 16 kB of 31.4 MB, from site.example"
    transfer.moved = 2_050_000
    assert str(transfer) == "istioctl, 2.0 MB of 31.4 MB, from site.example"


def test_what_does_not_move_is_told_once() -> None:
    told: list[str] = []
    transfers = Transfers(told.append, period=0.01)
    transfer = transfers.begin("a", "b")
    with transfers:
        time.sleep(0.3)
        transfer.moved = 5_000
        time.sleep(0.3)
    assert told == ["fetching a from b", "fetching a, 5 kB, from b"]
