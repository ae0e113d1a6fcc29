# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inventory plugin: each context of a kubeconfig is a host."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kubeconfig
author: selfhosted.serverless contributors (@selfhosted)
version_added: "1.1.0"
short_description: Contexts of a kubeconfig as hosts
description:
  - Makes a host of each context of a kubeconfig, without a cluster being asked. A file that is called C(kubeconfig.yml), or
    whose name ends so, and that names this plugin is enough.
  - A host is called like its context, with a hyphen for what is not letter, digit, point or underscore, so that C(--limit) and
    every command take the name as it stands. Where two would be called the same, or a group is called so, six digits of a
    checksum follow. The context itself is the variable C(serverless_context).
  - All hosts are in the group C(contexts), and in one for the kind of their cluster, as far as the kubeconfig tells it, such as
    C(kind_minikube), C(kind_docker_desktop), C(kind_eks) or C(kind_unknown). Variables of a group or host stand in
    C(group_vars/) and C(host_vars/) beside the file, as always.
  - The group C(clusters), which the playbooks run on, holds those that O(without_limit) says, and all of them where the command
    has C(--limit).
options:
  plugin:
    description: The name of this plugin.
    type: str
    required: true
    choices: [selfhosted.serverless.kubeconfig]
  kubeconfig:
    description: The kubeconfig, or several joined by colons. By default E(KUBECONFIG), else C(~/.kube/config).
    type: str
    default: ""
  contexts:
    description: Shell patterns of the contexts that become hosts.
    type: list
    elements: str
    default: ["*"]
  exclude:
    description: Shell patterns of contexts that do not.
    type: list
    elements: str
    default: []
  without_limit:
    description:
      - What a run is about that has no C(--limit).
      - V(current) is the kubeconfig's current context, as with C(kubectl); V(all) are all hosts.
    type: str
    choices: [current, all]
    default: current
  variables:
    description: Variables of hosts, by shell patterns of their contexts. Where several match, what stands later counts.
    type: dict
    default: {}
"""

EXAMPLES = r"""
# kubeconfig.yml: the current context, or by --limit any other
plugin: selfhosted.serverless.kubeconfig

---
# staging.kubeconfig.yml: all contexts of one file but one, side by side
plugin: selfhosted.serverless.kubeconfig
kubeconfig: ~/.kube/staging
exclude: [legacy]
without_limit: all
variables:
  "arn:aws:eks:*":
    serverless_release: knative-1.22
"""

import os
from typing import Any

from ansible import context as command_line
from ansible.errors import AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.inventory import BaseInventoryPlugin
from ansible.template import trust_as_template
from ansible_collections.selfhosted.serverless.plugins.module_utils.contexts.choice import (
    ChoiceError,
    ContextHost,
    group_of,
    hosts_of,
    variables_of,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.contexts.kind_hints import LAB_KIND
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.kubeconfig import (
    Kubeconfig,
    kubeconfig_location,
    load_kubeconfig,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import ClusterError

# The group that the playbooks run on, and the one of all contexts
CLUSTERS = "clusters"
CONTEXTS = "contexts"


class InventoryModule(BaseInventoryPlugin):
    """Reads the kubeconfig alone; no cluster is asked."""

    NAME = "selfhosted.serverless.kubeconfig"

    def verify_file(self, path: str) -> bool:
        """Whether the file is called as this plugin's are: kubeconfig.yml, or anything that ends so."""
        return bool(super().verify_file(path)) and path.endswith(("kubeconfig.yml", "kubeconfig.yaml"))

    def parse(self, inventory: InventoryData, loader: DataLoader, path: str, cache: bool = True) -> None:
        """Add the hosts and groups. Raises AnsibleParserError."""
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        try:
            config = load_kubeconfig(kubeconfig_location(self.get_option("kubeconfig")))
            hosts = hosts_of(
                config, self.get_option("contexts"), self.get_option("exclude"), [*inventory.groups, CLUSTERS, CONTEXTS]
            )
            variables = {host: variables_of(host.context, self.get_option("variables")) for host in hosts}
        except (ChoiceError, ClusterError) as error:
            raise AnsibleParserError(f"{path}: {error}") from None
        for group in (CLUSTERS, CONTEXTS):
            inventory.add_group(group)
        for host in hosts:
            self._add(host, variables[host], config.location)
        self._choose(config, hosts)

    def _add(self, host: ContextHost, said: dict[str, Any], location: str) -> None:
        """Add a host, its groups and its variables. What comes of the kubeconfig is never a template."""
        self.inventory.add_host(host.name, CONTEXTS)
        group = self.inventory.add_group(group_of(host.kind))
        self.inventory.add_host(host.name, group)
        variables: dict[str, Any] = {
            "ansible_connection": "local",
            "ansible_python_interpreter": trust_as_template("{{ ansible_playbook_python }}"),
            "serverless_context": host.context,
        }
        if self.get_option("kubeconfig"):
            variables["serverless_kubeconfig"] = self.get_option("kubeconfig")
        elif host.kind == LAB_KIND:
            # The lab's own group variables name the file that it has written, which may be another one
            variables["serverless_kubeconfig"] = os.pathsep.join(map(os.path.abspath, location.split(os.pathsep)))
        for name, value in {**variables, **host.variables, **said}.items():
            self.inventory.set_variable(host.name, name, value)

    def _choose(self, config: Kubeconfig, hosts: list[ContextHost]) -> None:
        """Put those that the run is about into the group of the playbooks: by --limit any, else as the option says."""
        everything = self.get_option("without_limit") == "all" or command_line.CLIARGS.get("subset")
        chosen = [host for host in hosts if everything or host.context == config.current]
        for host in chosen:
            self.inventory.add_host(host.name, CLUSTERS)
        if not chosen:
            current = (
                f"the current context, {config.current}, is not among them" if config.current else "none is current"
            )
            names = ", ".join(host.name for host in hosts) or "none"
            self.display.warning(
                f"The run is about no context of {config.location}: {current}. Name one by --limit; there are: {names}"
            )
