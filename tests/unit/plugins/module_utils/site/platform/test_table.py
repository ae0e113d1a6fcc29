"""The table of facts."""

from __future__ import annotations

from ansible_collections.selfhosted.serverless.plugins.module_utils.site.platform.table import WIDTH, Row, table

LONG = "no load balancer: pending, the cluster has given it no address; no node port: 10.0.0.4:30080: no answer in time"


def test_each_fact_has_a_line() -> None:
    assert table(
        [Row("cluster", "k3s", "node a has the provider ID k3s://a"), Row("storage class", "none", "asked")]
    ) == [
        "  fact           value  how it is known",
        "  cluster        k3s    node a has the provider ID k3s://a",
        "  storage class  none   asked",
    ]


def test_no_line_is_longer_than_a_terminal() -> None:
    lines = table([Row("gateway", "arn:aws:" + "x" * 80, LONG), Row("kubelet TLS", LONG, LONG)])
    assert max(map(len, lines)) <= WIDTH
    assert "in time" in " ".join("".join(lines).split()), "nothing is cut off"
    assert sum(line.startswith("  gateway") for line in lines) == 1
