# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the probes run: Envoy with a configuration of ours, for it is in an image that the nodes have already.

It answers by itself (direct_response), passes requests on by a name of the cluster, answers events with events, and
writes a line for each event. Source: the v3 API of Envoy, config.bootstrap, http_connection_manager, route and cluster.
"""

from __future__ import annotations

import json
from typing import Any

PROGRAM = "/usr/local/bin/envoy"  # where proxyv2 has it (istio pilot/docker/Dockerfile.proxyv2)
PORT = 8080
ASK, ANSWER, PEER = "/ask", "/answer", "/peer"
ASK_TYPE, ANSWER_TYPE = "serverless.selfhosted.verify.ask", "serverless.selfhosted.verify.answer"
SOURCE = "/selfhosted.serverless/verify"
# A line of the log for each event that came: its type and its id
EVENT = "EVENT"
_TYPES = "type.googleapis.com/envoy.extensions"


def command(peer: str) -> list[str]:
    """The command line; `peer` is the name of the Service that /peer is passed on to, at port 80."""
    configuration = json.dumps(bootstrap(peer), separators=(",", ":"))
    return [
        PROGRAM,
        "--config-yaml",
        configuration,
        "--concurrency",
        "1",
        "--disable-hot-restart",
        "--log-level",
        "warning",
        # The log is read while it is written; without this Envoy keeps lines back for 10 s.
        "--file-flush-interval-msec",
        "50",
    ]


def events_in(log: str) -> dict[tuple[str, str], int]:
    """How often an event of a type and id is in a log."""
    found: dict[tuple[str, str], int] = {}
    for line in log.splitlines():
        words = line.split(" ")
        if len(words) == 3 and words[0] == EVENT:
            found[(words[1], words[2])] = found.get((words[1], words[2]), 0) + 1
    return found


def bootstrap(peer: str, port: int = PORT) -> dict[str, Any]:
    """Envoy's configuration."""
    return {
        "static_resources": {
            "listeners": [
                {
                    "name": "probe",
                    "address": {"socket_address": {"address": "0.0.0.0", "port_value": port}},
                    "filter_chains": [{"filters": [_connections()]}],
                }
            ],
            "clusters": [_peer(peer)],
        }
    }


def _connections() -> dict[str, Any]:
    routes = [
        {
            "match": {"path": ASK},
            "direct_response": {"status": 200, "body": {"inline_string": "answer"}},
            # An answer with these headers is an event of its own, in the binary mode of CloudEvents over HTTP.
            "response_headers_to_add": [
                _header("ce-specversion", "1.0"),
                _header("ce-type", ANSWER_TYPE),
                _header("ce-source", SOURCE),
                _header("ce-id", "%REQ(ce-id)%"),
            ],
        },
        {"match": {"path": ANSWER}, "direct_response": {"status": 202}},
        {"match": {"path": PEER}, "route": {"cluster": "peer", "prefix_rewrite": "/", "timeout": "3s"}},
        {"match": {"prefix": "/"}, "direct_response": {"status": 200, "body": {"inline_string": "probe"}}},
    ]
    return {
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": {
            "@type": f"{_TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "probe",
            "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]},
            "http_filters": [
                {
                    "name": "envoy.filters.http.router",
                    "typed_config": {"@type": f"{_TYPES}.filters.http.router.v3.Router"},
                }
            ],
            "access_log": [
                {
                    "name": "envoy.access_loggers.stdout",
                    "filter": {"header_filter": {"header": {"name": "ce-id", "present_match": True}}},
                    "typed_config": {
                        "@type": f"{_TYPES}.access_loggers.stream.v3.StdoutAccessLog",
                        "log_format": {
                            "text_format_source": {"inline_string": f"{EVENT} %REQ(ce-type)% %REQ(ce-id)%\n"}
                        },
                    },
                }
            ],
        },
    }


def _header(key: str, value: str) -> dict[str, Any]:
    return {"header": {"key": key, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}


def _peer(name: str) -> dict[str, Any]:
    address = {"socket_address": {"address": name, "port_value": 80}}
    return {
        "name": "peer",
        "type": "STRICT_DNS",
        "connect_timeout": "2s",
        # Without a name server the probe must start all the same, so that it can tell.
        "wait_for_warm_on_init": False,
        "dns_refresh_rate": "1s",
        "dns_failure_refresh_rate": {"base_interval": "0.5s", "max_interval": "1s"},
        "load_assignment": {
            "cluster_name": "peer",
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}],
        },
    }
