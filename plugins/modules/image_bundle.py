# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation alone: the code runs as the action plugin of the same name.

from __future__ import annotations

DOCUMENTATION = r"""
module: image_bundle
short_description: Keep images in one archive, or unpack it
version_added: "1.0.0"
author: "selfhosted.serverless contributors (@selfhosted)"
description:
  - Writes images of an OCI image layout, their lock and release files into one archive, or unpacks such an archive.
  - The archive is an OCI image layout in a tar file, which containerd, docker and skopeo read too.
  - Every blob is verified by its digest. An archive appears complete or not at all.
options:
  state:
    description: Whether the archive is to be written from the layout, or unpacked into it.
    type: str
    choices: [written, unpacked]
    default: written
  path:
    description: The archive.
    type: path
    required: true
  layout:
    description: Directory with the OCI image layout.
    type: path
    required: true
  names:
    description: Full names of the images that go into the archive.
    type: list
    elements: str
    default: []
  lock:
    description:
      - The lock file that goes into the archive; empty for none. When the archive is unpacked, the lock file that gets what
        it lacks of the one in the archive.
    type: path
    default: ""
  content:
    description:
      - A folder with release files under their checksums, which goes into the archive; empty for none. When the archive is
        unpacked, the files are verified and kept as if they had been fetched.
    type: path
    default: ""
attributes:
  check_mode:
    description: Neither writes nor unpacks.
    support: full
  diff_mode:
    description: Has nothing to show.
    support: none
"""

EXAMPLES = r"""
- name: Keep two images in a bundle
  selfhosted.serverless.image_bundle:
    path: /media/images.tar
    layout: /var/cache/images
    names: [docker.io/library/nginx:1.27, registry.k8s.io/pause:3.10]

- name: Unpack it where there is no network
  selfhosted.serverless.image_bundle:
    state: unpacked
    path: /media/images.tar
    layout: /var/cache/images
"""

RETURN = r"""
path:
  description: The archive.
  returned: success
  type: str
images:
  description: Full names of the images in it.
  returned: success
  type: list
  elements: str
size:
  description: Bytes of the archive.
  returned: when it was written
  type: int
"""
