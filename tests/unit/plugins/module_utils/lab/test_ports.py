# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import socket
from pathlib import Path

from ansible_collections.selfhosted.serverless.plugins.module_utils.lab import ports


def test_a_listener_is_found_with_its_process() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        found = ports.conflicts("127.0.0.1", port, ports.listeners())
        assert [each.address for each in found] == ["127.0.0.1"]
        assert ports.holder(found[0]).endswith(f"(process {os.getpid()})")
        assert ports.conflicts("127.0.0.7", port, ports.listeners()) == []


def test_one_on_every_address_is_in_the_way_of_each() -> None:
    with socket.create_server(("0.0.0.0", 0)) as server:
        assert ports.conflicts("127.0.0.7", server.getsockname()[1], ports.listeners())


def test_addresses_of_both_families_are_read(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    tail = "0A 00000000:00000000 00:00000000 00000000     0        0 77 1 0\n"
    (tmp_path / "net/tcp").write_text(f"{head}   0: 0200007F:192B 00000000:0000 {tail}")
    every, mapped = "0" * 32, "0000000000000000FFFF00000100007F"
    (tmp_path / "net/tcp6").write_text(
        f"{head}   0: {every}:1388 {every}:0000 {tail}   1: {mapped}:1389 {every}:0000 {tail}"
    )
    assert [(each.address, each.port) for each in ports.listeners(tmp_path)] == [
        ("127.0.0.2", 6443),
        ("::", 5000),
        ("127.0.0.1", 5001),
    ]
