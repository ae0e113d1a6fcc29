# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation alone: the code runs as the action plugin of the same name.

from __future__ import annotations

DOCUMENTATION = r"""
module: image_push
short_description: Push an image from an OCI layout to a registry
version_added: "1.0.0"
author: "selfhosted.serverless contributors (@selfhosted)"
description:
  - Pushes an image, with everything that it points to, from an OCI image layout on the controller to a registry.
  - What the registry has is not sent again; with nothing to do one request is made.
  - Runs on the controller. The registry's password is read there, at the moment of the push, and is part of no result.
extends_documentation_fragment:
  - selfhosted.serverless.images
  - selfhosted.serverless.rate_limits
options:
  layout:
    description: Directory with the OCI image layout.
    type: path
    required: true
  name:
    description: Tag or full name of the image in the layout. Not needed where the layout holds one image.
    type: str
    default: ""
  image:
    description: Where the image goes, as a reference with registry, repository and tag.
    type: str
    required: true
attributes:
  check_mode:
    description: Asks the registry and sends nothing.
    support: full
  diff_mode:
    description: Has nothing to show.
    support: none
"""

EXAMPLES = r"""
- name: Push the application
  selfhosted.serverless.image_push:
    layout: /tmp/build/layout
    image: registry.example.com/todo/app:1.0
    images:
      registries:
        registry.example.com:
          ca_file: /etc/ssl/example-ca.pem
          username: todo
          password: {env: REGISTRY_PASSWORD}
"""

RETURN = r"""
image:
  description: The reference that was pushed to.
  returned: success
  type: str
digest:
  description: Digest of the image; the same in the layout and in the registry.
  returned: success
  type: str
  sample: sha256:43df91835c7ed67b1fdff02a689fd3f9ee07ee3a6a3fd0fdcda883ba46c59201
blobs_pushed:
  description: How many blobs were sent.
  returned: success
  type: int
bytes_pushed:
  description: How many bytes of blobs were sent.
  returned: success
  type: int
blobs_present:
  description: How many blobs the registry had already, when the image as a whole was missing.
  returned: success
  type: int
"""
