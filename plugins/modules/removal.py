# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation alone: the code runs as the action plugin of the same name.

from __future__ import annotations

DOCUMENTATION = r"""
---
module: removal
short_description: Remove several releases, all or none of them
version_added: "1.1.0"
author:
  - selfhosted.serverless contributors (@selfhosted)
description:
  - Removes what M(selfhosted.serverless.release) has applied, one release after the other. A release on which others are
    built begins to leave once no custom resource of these is left, while the rest of them, such as pods that drain, ends.
  - All of them are planned before the first write, each as if those before it were gone. What forbids any of them forbids
    all, and is told at once. Such are objects of others that need a release, and releases that stay and need it.
  - Releases that leave earlier in the list do not count as needing the later ones, unless they keep something.
  - What is in the way of a removal when its turn comes, because others made it in the meantime, ends the run before that
    removal writes anything.
  - One run at a time changes a cluster. A second one says who is at work, and waits up to O(lock_timeout).
attributes:
  check_mode:
    support: full
    description: The plans of all releases are printed. Nothing is written.
  diff_mode:
    support: full
    description: The fields that the releases own, before. Values of secrets are shown as fingerprints.
extends_documentation_fragment:
  - selfhosted.serverless.cluster
  - selfhosted.serverless.run_lock
options:
  releases:
    description: The releases in the order of their removal. One that is not there is no error.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the release.
        type: str
        required: true
      keep:
        description: Objects that stay.
        type: list
        elements: dict
        default: []
        suboptions:
          kind:
            description: Kind of the object; a shell pattern.
            type: str
          name:
            description: Name of the object; a shell pattern.
            type: str
          namespace:
            description: Namespace of the object; a shell pattern.
            type: str
          group:
            description: API group of the object, empty for the core group; a shell pattern.
            type: str
      residue:
        description:
          - What controllers of the release made outside of it and left behind. It is deleted once the controllers are
            gone, and only when the release was there. Each item needs O(releases[].residue[].name) or
            O(releases[].residue[].label_selector).
        type: list
        elements: dict
        default: []
        suboptions:
          <<: &place
            api_version:
              description: API version of the objects.
              type: str
              required: true
            kind:
              description: Kind of the objects.
              type: str
              required: true
            namespace:
              description: Namespaces in which to look; a shell pattern. Without it, all.
              type: str
          label_selector:
            description: Selects objects by their labels, by equality alone.
            type: str
          name:
            description: Name of the objects; a shell pattern.
            type: str
          managers:
            description:
              - The field managers by which the controller writes. An object that anybody else has written to as well is
                not touched.
            type: list
            elements: str
            default: []
          unless:
            description:
              - What another installation of the same product would have. While there is such an object that does not go
                with the release, nothing of this item is deleted.
            type: dict
            suboptions: &selected
              <<: *place
              label_selector:
                description: Selects objects by their labels.
                type: str
      dependents:
        description:
          - Objects that would break without the release although they are not of its kinds. Those that do not go
            themselves forbid the removal; with O(releases[].purge), or in a namespace that the removal gives back, they
            are named in a warning.
        type: list
        elements: dict
        default: []
        suboptions:
          <<: *selected
          expression:
            description: JMESPath that must be truthy on the object.
            type: str
          what:
            description: What the object has to do with the release, as the end of a sentence about it.
            type: str
            required: true
          blocks:
            description: Whether the object forbids the removal. Otherwise it is named in a warning.
            type: bool
            default: true
      data_hint:
        description: How the data of the release is kept or copied, for the warning that it is deleted.
        type: str
        default: ""
      purge:
        description:
          - Whether objects that others have of the release's kinds are deleted with it, first of all, while its
            controllers live. Otherwise they forbid the removal, before anything is changed. Releases of this collection
            that need this one forbid it in any case.
        type: bool
        default: false
      beside:
        description:
          - Whether it is removed at the same time as those before it in the list, from the beginning on. That is for a release
            that has no object in a namespace of theirs, and whose controllers have nothing to do with their objects. A
            release that this one needs waits for it.
        type: bool
        default: false
      grace_seconds:
        description:
          - Seconds that the pods of the release's deployments get at most to end. Without it they get what they ask for.
            For pods that drain connections long after nobody calls them any more.
          - For that the pods are labelled and recorded as the release's, and outlive their deployment and replica set by a
            moment. Where that is not allowed they get what they ask for.
        type: int
      timeout:
        description: Seconds for the plan of this release, and again for its removal.
        type: int
        default: 300
"""

EXAMPLES = r"""
- name: Remove Istio, and the certificate that it put into every namespace
  selfhosted.serverless.removal:
    releases:
      - name: istio
        residue:
          - api_version: v1
            kind: ConfigMap
            name: istio-ca-root-cert

- name: Remove a shop and what it needs, or neither
  selfhosted.serverless.removal:
    releases:
      - name: shop
        keep:
          - kind: PersistentVolumeClaim
      - name: shop-operator
"""

RETURN = r"""
plan:
  description: What was planned for every object, with the reason.
  returned: success
  type: list
  elements: dict
  sample: [{"action": "delete", "object": "ConfigMap shop/settings", "reason": "the release goes"}]
deleted:
  description: Objects that were deleted and are gone.
  returned: success
  type: list
  elements: str
returned:
  description: Objects that were given back to whoever had them before the release.
  returned: success
  type: list
  elements: str
kept:
  description: Objects of the release that stay although it no longer has them.
  returned: success
  type: list
  elements: str
retries:
  description: How many requests had to be repeated.
  returned: success
  type: int
requests:
  description: How many requests were sent.
  returned: success
  type: int
seconds:
  description: How long it took.
  returned: success
  type: float
"""
