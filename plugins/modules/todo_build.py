# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: todo_build
short_description: Build the todo application's image and push it
version_added: "1.1.0"
author: "selfhosted.serverless contributors (@selfhosted)"
description:
  - Builds the image where its registry does not have it, and pushes it there.
  - Runs that want the same image at the same time on one controller wait for each other, and it is built once.
  - Proxies in the environment reach the build, and are part of no argument list, layer or message.
  - Runs on the controller.
extends_documentation_fragment:
  - selfhosted.serverless.images
  - selfhosted.serverless.rate_limits
options:
  image:
    description: The image with its tag, as P(selfhosted.serverless.todo_image#module) tells it.
    type: str
    required: true
  sources:
    description: Folder with the application's sources.
    type: path
    required: true
  dockerfile:
    description: The Dockerfile that they are built with.
    type: path
    required: true
  base:
    description: The image to build on, where it is to be had.
    type: str
    required: true
  base_plain_http:
    description: Whether the registry of O(base) is spoken to without TLS.
    type: bool
    default: false
  builder:
    description:
      - The tool that builds; V(auto) takes the first of the others that can be used. A program that is another tool under this name
        is recognised.
    type: str
    choices: [auto, buildah, docker, podman, nerdctl]
    default: auto
  index:
    description: The package index for pip; empty for its default.
    type: str
    default: ""
  ca_file:
    description: A bundle of authorities for the package index; empty for none.
    type: str
    default: ""
attributes:
  check_mode:
    description: Builds nothing.
    support: full
  diff_mode:
    description: Has nothing to show.
    support: none
"""

EXAMPLES = r"""
- name: Build the image
  selfhosted.serverless.todo_build:
    image: registry.example.com/todo/app:0123456789abcdef
    sources: files/app
    dockerfile: files/Dockerfile
    base: docker.io/library/python:3.11-slim-bookworm
"""

RETURN = r"""
digest:
  description: Digest of the image in the registry; empty in check mode.
  returned: success
  type: str
seconds:
  description: How long it took, waiting for another run included.
  returned: success
  type: float
"""
