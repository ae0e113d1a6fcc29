"""The text at the end of a run."""

from __future__ import annotations

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.policy import ImagePolicy
from ansible_collections.selfhosted.serverless.plugins.module_utils.site.platform.exposure import (
    Exposure,
    PassedOver,
    Rung,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.site.summary import (
    ImageOrigin,
    InstalledRelease,
    Summary,
    mesh_hosts,
    node_addresses,
    origins,
    public_hosts,
    pulled_from,
    running_images,
)


def summary(with_images: bool = False, **changes: object) -> str:
    given = {
        "context": "lab",
        "server": "v1.36.3",
        "kind": "kubernetes",
        "nodes": 1,
        "releases": [InstalledRelease("istio", "1.30.5", 39)],
        "images": [ImageOrigin("docker.io/istio/pilot:1.30.5", "127.0.0.1:5000", True)],
        "hosts": ["web.todo.example.com"],
        "gateway": Exposure(Rung.TOLD, "127.0.0.1:30080"),
        "remove": ["ansible-playbook playbooks/uninstall.yml --limit lab"],
    }
    return "\n".join(Summary(**(given | changes)).lines(with_images))


def test_it_says_what_is_installed_and_how_to_remove_it() -> None:
    text = summary()
    assert "Kubernetes v1.36.3 (kubernetes, 1 node)" in text
    assert "istio                1.30.5" in text
    assert "playbooks/uninstall.yml --limit lab" in text


def test_images_are_listed_on_request() -> None:
    assert "docker.io/istio/pilot:1.30.5  from 127.0.0.1:5000 (observed)" in summary(with_images=True)
    assert "pilot" not in summary()


def test_it_is_short_and_says_what_to_do_next_in_order() -> None:
    text = summary(run="3 created in 12 s", verify=["verify it"], report="/reports/report.html")
    headings = [
        "This run: 3 created",
        "Installed:",
        "Open:",
        "Verify it:",
        "Remove it all:",
        "Report:\n  /reports/report.html",
    ]
    places = [text.index(heading) for heading in headings]
    assert places == sorted(places) and len(text.splitlines()) < 25


def test_where_no_report_is_written_it_says_how_one_is() -> None:
    assert summary().endswith(
        "\nReport:\n  none is written; report_directory=FOLDER has it written there, with all images and times"
    )


def test_facts_that_do_not_hold_are_told_with_what_to_do() -> None:
    facts = [
        {"name": "nodes", "ok": True, "text": "1 of 1"},
        {"name": "gateway", "ok": False, "text": "no answer", "remedy": "start its pod"},
        {"name": "broker", "ok": False},
        {"name": "graph", "ok": None, "text": "not installed"},
    ]
    told = "\nVerified: 1 of 3 facts hold\n  gateway: no answer\n    start its pod\n  broker: it does not hold\n"
    assert f"{told}\nInstalled:" in summary(facts=facts)
    assert "Verified" not in summary(facts=facts[3:])


def test_addresses_for_a_browser() -> None:
    by_node_port = Exposure(Rung.NODE_PORT, "10.0.0.1:30080")
    known = Summary("a", "v1", "kind", 1, hosts=["web.example"], gateway=by_node_port, at_nodes=["10.0.0.1:30081"])
    assert known.urls() == ["http://10.0.0.1:30081/", "http://web.example:30080/"]
    balanced = Exposure(Rung.LOAD_BALANCER, "10.0.0.1:80")
    assert Summary("a", "v1", "kind", 1, hosts=["web.example"], gateway=balanced).urls() == ["http://web.example/"]
    assert Summary("a", "v1", "kind", 1, hosts=["web.example"]).urls() == []


def test_it_gives_the_hosts_line_and_the_header() -> None:
    text = summary()
    assert "http://web.todo.example.com:30080/" in text
    assert "127.0.0.1 web.todo.example.com" in text
    assert "curl -H 'Host: web.todo.example.com' http://127.0.0.1:30080/" in text
    assert "http://web.todo.example.com/ " in summary(gateway=Exposure(Rung.LOAD_BALANCER, "203.0.113.7:80"))


def test_a_gateway_without_an_address_gets_a_port_forward() -> None:
    assert "--context lab -n istio-system port-forward service/istio-ingressgateway 8080:80" in summary(gateway=None)
    passed = (PassedOver(Rung.LOAD_BALANCER, "pending"), PassedOver(Rung.NODE_PORT, "10.0.0.1:1: no answer in time"))
    text = summary(gateway=Exposure(Rung.PORT_FORWARD, "", passed), gateway_service="mesh/entry")
    assert "--context lab -n mesh port-forward service/entry 8080:80" in text
    assert "curl -H 'Host: web.todo.example.com' http://127.0.0.1:8080/" in text
    assert "not by load balancer: pending\n    not by node port: 10.0.0.1:1: no answer in time" in text


def test_the_rung_is_named_where_it_was_found_out() -> None:
    passed = (PassedOver(Rung.LOAD_BALANCER, "pending"),)
    text = summary(gateway=Exposure(Rung.NODE_PORT, "10.0.0.1:30080", passed))
    assert "\n  reached by: node port\n    not by load balancer: pending\n" in text
    assert "reached by" not in summary()


def test_nothing_installed_is_said_as_well() -> None:
    text = summary(releases=[], images=[], hosts=[])
    assert "nothing of this collection" in text
    assert "no public service" in text


def test_only_public_services_have_hosts() -> None:
    services = [
        {"metadata": {"name": "web"}, "status": {"url": "http://web.todo.example.com"}},
        {"metadata": {"name": "late"}},
        {
            "metadata": {"labels": {"networking.knative.dev/visibility": "cluster-local"}},
            "status": {"url": "http://user.todo.svc.cluster.local"},
        },
    ]
    assert public_hosts(services) == ["web.todo.example.com"]


def test_images_of_all_containers_are_listed_once() -> None:
    pod = {"spec": {"initContainers": [{"image": "b"}], "containers": [{"image": "a"}, {"image": "b"}]}}
    assert running_images([pod, pod]) == ["a", "b"]


def test_what_is_reached_at_a_node_needs_no_host() -> None:
    text = summary(hosts=[], at_nodes=["127.0.0.1:30081"])
    assert "  http://127.0.0.1:30081/" in text
    assert "no public service" not in text


def test_only_ports_of_nodes_are_told() -> None:
    services = [
        {"spec": {"type": "NodePort", "ports": [{"port": 80, "nodePort": 30081}]}},
        {"spec": {"type": "LoadBalancer", "ports": [{"port": 80, "nodePort": 30080}]}},
        {"spec": {"type": "ClusterIP", "ports": [{"port": 80}]}},
    ]
    assert node_addresses(services, "10.0.0.1") == ["10.0.0.1:30081"]
    assert node_addresses(services, None) == []


def test_only_what_is_bound_to_a_gateway_is_public_in_the_mesh() -> None:
    services = [
        {"spec": {"hosts": ["web.todo.example.com"], "gateways": ["web"]}},
        {"spec": {"hosts": ["user.todo.svc.cluster.local"]}},
        {"spec": {"hosts": ["rule.todo.svc.cluster.local"], "gateways": ["mesh"]}},
    ]
    assert mesh_hosts(services) == ["web.todo.example.com"]


DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("image", "image_id", "host"),
    [
        ("gcr.io/a/b:1", f"docker-pullable://m.example/gcr.io/a/b@{DIGEST}", "m.example"),
        ("nginx:1", f"docker-pullable://m.example:5000/library/nginx@{DIGEST}", "m.example:5000"),
        ("nginx:1", f"docker-pullable://nginx@{DIGEST}", None),
        # containerd and CRI-O tell the name that was asked for, whoever answered.
        ("gcr.io/a/b:1", f"gcr.io/a/b@{DIGEST}", None),
        ("gcr.io/a/b:1", DIGEST, None),
        ("gcr.io/a/b:1", f"docker://{DIGEST}", None),
        ("gcr.io/a/b:1", "", None),
    ],
)
def test_where_a_node_was_seen_to_have_an_image_from(image: str, image_id: str, host: str | None) -> None:
    pod = {
        "spec": {"containers": [{"name": "c", "image": image}]},
        "status": {"containerStatuses": [{"name": "c", "imageID": image_id}]},
    }
    assert pulled_from([pod]).get(image) == host
    assert pulled_from([{"spec": pod["spec"]}]) == {}


def test_each_image_says_whether_its_origin_was_observed() -> None:
    """Docker tells it, containerd and CRI-O do not: there it is what the policy says, all places that it may be."""
    policy = ImagePolicy.from_config({"mirrors": {"gcr.io": ["m.example/gcr.io", "n.example/gcr.io"]}})
    named = {"docker": "gcr.io/a/docker:1", "containerd": "gcr.io/a/containerd:1", "other": "quay.io/a/b:1"}
    ids = {"docker": f"docker-pullable://n.example/gcr.io/a/docker@{DIGEST}", "containerd": f"gcr.io/a/c@{DIGEST}"}
    pod = {
        "spec": {"containers": [{"name": name, "image": image} for name, image in named.items()]},
        "status": {"containerStatuses": [{"name": name, "imageID": image_id} for name, image_id in ids.items()]},
    }
    assert origins([pod], policy) == [
        ("gcr.io/a/containerd:1", "mirror m.example/gcr.io or mirror n.example/gcr.io", False),
        ("gcr.io/a/docker:1", "n.example", True),
        ("quay.io/a/b:1", "no rule", False),
    ]
    assert list(map(str, origins([pod], policy)[1:])) == ["n.example (observed)", "no rule (configured)"]


def test_the_text_says_what_was_not_observed() -> None:
    text = Summary("a", "v1", "kind", 1, images=[ImageOrigin("gcr.io/a:1", "mirror m.example", False)]).lines(True)
    (remark,) = [line for line in text if "what the image policy says" in line]
    assert text.index(remark) == text.index("Images:") + 1


@pytest.mark.parametrize(
    ("gateway", "words"),
    [
        ("10.0.0.7:80", "with this line in /etc/hosts:  10.0.0.7 web.todo.example.com"),
        ("[fd00::7]:80", "with this line in /etc/hosts:  fd00::7 web.todo.example.com"),
        ("localhost:80", "with this line in /etc/hosts:  127.0.0.1 web.todo.example.com"),
        (
            "k8s-1.elb.example:80",
            "where name servers lead web.todo.example.com to k8s-1.elb.example, or /etc/hosts to one of its addresses",
        ),
    ],
)
def test_only_addresses_are_told_for_etc_hosts(gateway: str, words: str) -> None:
    assert f"http://web.todo.example.com/   {words}" in summary(gateway=Exposure(Rung.LOAD_BALANCER, gateway))
