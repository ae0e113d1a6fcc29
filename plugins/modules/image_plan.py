# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation alone: the code runs as the action plugin of the same name.

from __future__ import annotations

DOCUMENTATION = r"""
module: image_plan
short_description: Plan all images and check that the mirrors have them
version_added: "1.0.0"
author: "selfhosted.serverless contributors (@selfhosted)"
description:
  - Finds every image reference in rendered manifests, hidden places included, and asks the mirrors of the image policy
    for all of them at once, for the architectures of the nodes.
  - Prints a table of image, place, digest, size and status.
  - Fails if an image cannot be had, with every such image, every place asked and the reason of each.
  - Runs on the controller, and changes nothing but O(lock).
extends_documentation_fragment:
  - selfhosted.serverless.cluster
  - selfhosted.serverless.images
  - selfhosted.serverless.rate_limits
options:
  manifests:
    description: Files with rendered manifests.
    type: list
    elements: path
    default: []
  extra:
    description: References of further images that nodes are to have.
    type: list
    elements: str
    default: []
  check_only:
    description: References of images that must be there, but that no node needs, such as the base of a build.
    type: list
    elements: str
    default: []
  architectures:
    description:
      - Architectures that every image must have, as Go names them.
      - Empty asks the nodes of O(context); where that is empty too, any architecture will do.
    type: list
    elements: str
    default: []
  pods:
    description: Whether the images of all pods of O(context) are wanted too.
    type: bool
    default: false
  layout:
    description:
      - Directory with an OCI image layout that every image must be in; no registry is asked then.
      - For runs from a bundle. O(check_only) and O(lock) are not looked at.
    type: path
    default: ""
  lock:
    description:
      - File with the digests of all images, made where there is none; empty for no lock.
      - What it has is asked for by its digest, with one request. A mirror that has another image under the same tag is
        refused.
    type: path
    default: ""
  lock_update:
    description:
      - V(missing) adds images that the lock lacks. V(all) resolves all images anew and prints what changes.
        V(none) fails for an image that the lock lacks.
      - In mode rewrite the lock also keeps, for each context, the mirror that stands in manifests; it stays while it serves.
        V(all) chooses anew, in the order of the policy.
    type: str
    choices: [missing, all, none]
    default: missing
attributes:
  check_mode:
    description: Does not write O(lock).
    support: full
  diff_mode:
    description: Shows how O(lock) changes.
    support: full
"""

EXAMPLES = r"""
- name: Check the images of Knative
  selfhosted.serverless.image_plan:
    manifests: [/tmp/work/knative_serving.yaml]
    architectures: [amd64]
    images:
      mirrors:
        gcr.io: [m.daocloud.io/gcr.io, gcr.io]
"""

RETURN = r"""
missing:
  description: References of the images that cannot be had.
  returned: failure
  type: list
  elements: str
table:
  description: One entry for each image.
  returned: success
  type: list
  elements: dict
  contains:
    image: {description: The reference after the exact map., type: str}
    delivered: {description: The name that nodes know it by; in mode rewrite that of the mirror., type: str}
    where: {description: The places that need it., type: list, elements: str}
    from: {description: The reference at which it was found; empty if nowhere., type: str}
    rule: {description: That place in words., type: str}
    digest: {description: Digest of its topmost manifest., type: str}
    size: {description: Bytes that the architectures' configs and layers have together., type: int}
    prefetch: {description: Whether nodes can be made to pull it before pods do., type: bool}
    check_only: {description: Whether it must be there although no node needs it., type: bool}
    failures: {description: "Places that did not have it, each with reason and detail.", type: list, elements: dict}
lock_changes:
  description: A line for each image that was new to the lock, or other than in it.
  returned: with a lock
  type: list
  elements: str
lines:
  description: The table as it was printed.
  returned: success
  type: list
  elements: str
architectures:
  description: The architectures that were asked for.
  returned: success
  type: list
  elements: str
size:
  description: Bytes of all images together, layers that several share counted for each.
  returned: success
  type: int
"""
