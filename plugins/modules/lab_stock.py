# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: lab_stock
version_added: "1.0.0"
short_description: Make the images of the embedded cluster and stock its mirror
description:
  - Makes the container images that the lab's site needs from binaries, files and Debian packages, into a cache outside
    the checkout. What the cache has under the same inputs is not made again.
  - Pushes to the lab's mirror what that lacks, each image under its original name, that is
    C(<mirror>/<original host>/<path>:<tag>).
  - Making an image twice from the same inputs gives the same digest.
  - It runs on the controller, as an action, and tells its progress while it works.
options:
  layers:
    description: The layers that several images share, by name; roles/lab/vars/images.yml describes the fields.
    type: dict
    required: true
  recipes:
    description: The images by their original names with tag; roles/lab/vars/images.yml describes the fields.
    type: dict
    required: true
  images:
    description: The names of those that are wanted; all of them when the list is empty.
    type: list
    elements: str
    default: []
  archives:
    description: The names of those of which an archive is wanted too, for C(ctr images import).
    type: list
    elements: str
    default: []
  components:
    description: The directory of each component that the recipes name, from M(selfhosted.serverless.lab_build).
    type: dict
    required: true
  files:
    description: The directory of the files that recipes call C(own).
    type: path
    required: true
  mirror:
    description: Host and port of the mirror, which is reached by plain HTTP. Without it the images are only made.
    type: str
  debian_sources:
    description: Lines of a sources.list for Debian packages, say those of a mirror near you; Debian's own when empty.
    type: list
    elements: str
    default: []
  cache_directory:
    description:
      - Where images are kept, in C(images/).
      - The default is C(selfhosted-serverless) in E(XDG_CACHE_HOME) or C(~/.cache).
    type: path
attributes:
  check_mode:
    description: Tells what would be made, or if all is made, what would be pushed.
    support: full
  diff_mode:
    description: There is nothing to compare.
    support: none
requirements:
  - mmdebstrap and root, for images with Debian packages
seealso:
  - module: selfhosted.serverless.lab_build
author:
  - "selfhosted.serverless contributors (@selfhosted)"
"""

EXAMPLES = r"""
- name: Stock the mirror
  selfhosted.serverless.lab_stock:
    layers: "{{ __lab_image_layers }}"
    recipes: "{{ __lab_images }}"
    components: "{{ __lab_build.directories }}"
    files: "{{ role_path }}/files/images"
    mirror: 127.0.0.1:5000
"""

RETURN = r"""
images:
  description: What was asked for.
  type: list
  elements: dict
  returned: success, not in check mode
  contains:
    name:
      description: The original name with tag.
      type: str
    digest:
      description: The digest of the image's index.
      type: str
    size:
      description: The bytes of all its blobs.
      type: int
    source:
      description: The directory of its OCI image layout in the cache.
      type: str
    built:
      description: Whether it was made now.
      type: bool
    pushed:
      description: Whether the mirror got it now.
      type: bool
archives:
  description: The archives that were asked for, by name of the image.
  type: dict
  returned: success, not in check mode
seconds:
  description: How long it took.
  type: float
  returned: success, not in check mode
to_build:
  description: The layers and images that would be made.
  type: list
  elements: str
  returned: in check mode
to_push:
  description: The images that would be pushed.
  type: list
  elements: str
  returned: in check mode
"""

# The code is in plugins/action/lab_stock.py.
