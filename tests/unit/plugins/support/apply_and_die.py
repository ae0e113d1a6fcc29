"""Run as a program: apply the release of test_interruption.py through a kubeconfig, to be killed in the middle."""

from __future__ import annotations

import json
import sys

from releases import present

if __name__ == "__main__":
    from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster

    kubeconfig, release, documents = sys.argv[1:]
    present(Cluster.connect("test", kubeconfig), release, json.loads(documents))
