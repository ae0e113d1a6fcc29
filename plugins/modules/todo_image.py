# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: todo_image
short_description: Tell the todo application's image by its sources and look for it in the registry
version_added: "1.0.0"
author: "selfhosted.serverless contributors (@selfhosted)"
description:
  - Makes the image's tag, a hash of its sources, asks the registry for it and says how it would be built.
  - The role P(selfhosted.serverless.todo#role) builds only what the registry does not have.
  - Runs on the controller.
extends_documentation_fragment:
  - selfhosted.serverless.images
  - selfhosted.serverless.rate_limits
options:
  sources:
    description: Folder with the application's sources.
    type: path
    required: true
  dockerfile:
    description: The Dockerfile that they are built with.
    type: path
    required: true
  base:
    description: The image to build on, by its original name.
    type: str
    required: true
  builder:
    description: The tool that builds; V(auto) takes the first of the others that can be used.
    type: str
    choices: [auto, buildah, docker, podman, nerdctl]
    default: auto
  registry:
    description: The registry that holds the image, host or host:port.
    type: str
    required: true
  repository:
    description: The image's repository in that registry.
    type: str
    required: true
  architectures:
    description:
      - Architectures of the cluster's nodes, as images name them; empty where they are not known. Where the image, or the tool
        that would build it, has none of them, the task fails; where some are missing, it warns.
    type: list
    elements: str
    default: []
    version_added: "1.1.0"
  index:
    description:
      - The package index of the build; empty for pip's own default. Where the image is missing and is built on this machine,
        the index is asked for a package, so that one that cannot be reached is told before anything changes.
    type: str
    default: ""
  ca_file:
    description: A file of authorities that the index may be signed by, too; empty for none.
    type: str
    default: ""
attributes:
  check_mode:
    description: Only reads.
    support: full
  diff_mode:
    description: Has nothing to show.
    support: none
"""

EXAMPLES = r"""
- name: Look for the image
  selfhosted.serverless.todo_image:
    sources: files/app
    dockerfile: files/Dockerfile
    base: docker.io/library/python:3.11-slim-bookworm
    registry: registry.example.com
    repository: todo/app
"""

RETURN = r"""
key:
  description: Hash of what the image is made from; its tag.
  returned: success
  type: str
image:
  description: Registry and repository, without tag and digest.
  returned: success
  type: str
digest:
  description: Digest of the image in the registry; empty when it is not there.
  returned: success
  type: str
builder:
  description: The tool to build with; empty when the image is there.
  returned: success
  type: str
base:
  description: The reference under which the base image is to be had; empty when the image is there.
  returned: success
  type: str
base_plain_http:
  description: Whether the base's registry is spoken to without TLS.
  returned: success
  type: bool
"""
