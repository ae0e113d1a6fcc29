# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: lab_preflight
version_added: "1.0.0"
short_description: Check that this machine can carry the embedded cluster
description:
  - Looks at the system, the rights, memory, disk, ports, control groups and,
    once the tools are there, at what the kernel can do.
  - Fails with every problem at once. Changes nothing. It runs on the controller, as an action.
options:
  directory:
    description: The folder of the lab.
    type: path
    required: true
  cache_directory:
    description: The folder of built components and images.
    type: path
    required: true
  name:
    description: Name of the lab's namespaces; ports that a running lab holds itself are no problem.
    type: str
    required: true
  address:
    description: The loopback address that the lab listens on.
    type: str
    required: true
  ports:
    description: The ports that must be free on that address.
    type: list
    elements: int
    required: true
  tools:
    description: Commands, or paths of files, that are needed, each with its Debian package.
    type: dict
    required: true
  memory:
    description: Least memory, in GiB.
    type: float
    default: 6
  disk:
    description: Least free space for a lab that was never started, in GiB.
    type: float
    default: 15
  kubernetes:
    description:
      - The minor version of Kubernetes that is to run, as in C(1.36). It must be that of the folder's cluster, or the one after it.
      - Empty when nothing is to run.
    type: str
    default: ""
    version_added: "1.1.0"
  runtime:
    description:
      - What is to run the node's containers. It must be what the folder's node has.
      - Empty when nothing is to run.
    type: str
    default: ""
    version_added: "1.1.0"
attributes:
  check_mode:
    description: It changes nothing anyway.
    support: full
  diff_mode:
    description: There is nothing to compare.
    support: none
author:
  - "selfhosted.serverless contributors (@selfhosted)"
"""

EXAMPLES = r"""
- name: Check this machine
  selfhosted.serverless.lab_preflight:
    directory: /srv/lab
    cache_directory: /root/.cache/selfhosted-serverless
    name: selfhosted-0123abcd
    address: 127.0.0.1
    ports: [6443, 5000]
    tools:
      runc: runc
"""

RETURN = r"""
problems:
  description: What is wrong.
  type: list
  elements: str
  returned: always
missing_packages:
  description: Debian packages of the tools that are missing and can be installed.
  type: list
  elements: str
  returned: always
cni_plugins:
  description: The folder with the network plugins, empty when there is none.
  type: str
  returned: always
"""

# The code is in plugins/action/lab_preflight.py.
