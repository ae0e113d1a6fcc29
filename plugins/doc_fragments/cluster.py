# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation shared by everything that talks to a cluster."""

from __future__ import annotations

from typing import ClassVar


class ModuleDocFragment:
    """Which cluster is meant."""

    # The variables that count where a task does not give an option; the first that is set
    VARIABLES: ClassVar = {
        "context": ("serverless_context", "inventory_hostname"),
        "kubeconfig": ("serverless_kubeconfig",),
        "openshift_login": ("serverless_openshift_login",),
    }

    DOCUMENTATION = r"""
options:
  context:
    description:
      - Name of the context in the kubeconfig. The kubeconfig's current context is never used by itself, so that no task
        can meet the wrong cluster.
      - A task that does not give it takes the variable C(serverless_context), else the name of the inventory's host.
    type: str
  kubeconfig:
    description:
      - Path of the kubeconfig, or several joined by colons.
      - A task that does not give it takes the variable C(serverless_kubeconfig). Where that is empty or not set, the
        environment variable E(KUBECONFIG) counts, then C(~/.kube/config).
    type: path
  openshift_login:
    description:
      - How to log in to OpenShift in place of the kubeconfig's user, by C(username) and C(password) or by C(token).
        C(password) and C(token) are sources, each a dict of one entry, C(env), C(file) or C(value).
      - With a password, the cluster's OAuth server is asked for a token once in a run, which is revoked at its end.
        C(ca_file) names the authority of that server's certificate where it is neither known to the system nor the API
        server's own.
      - A task that does not give it takes the variable C(serverless_openshift_login). Where that is empty, the
        kubeconfig's user counts.
    type: dict
    version_added: "1.1.0"
requirements:
  - kubernetes >= 30 (Python package, on the controller)
  - jmespath (Python package, on the controller)
notes:
  - Runs on the controller, as an action plugin; the inventory's host only stands for the context.
"""
