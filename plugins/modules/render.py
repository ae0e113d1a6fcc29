# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation alone: the code runs as the action plugin of the same name.

from __future__ import annotations

DOCUMENTATION = r"""
---
module: render
short_description: Turn content into one YAML file of Kubernetes documents
version_added: "1.0.0"
author:
  - selfhosted.serverless contributors (@selfhosted)
description:
  - Takes released content from files, URLs, Go modules, images, kustomizations or istioctl, verifies its checksum, selects
    and adapts documents, and writes one YAML file on the controller.
  - No cluster is contacted. The file is a cache, kept while everything that went into it is the same; the task
    therefore never reports a change and works in check mode.
  - The lock of the image policy gets the images that content came out of, but for check mode.
attributes:
  check_mode:
    support: full
    description: The file is written in check mode as well.
  diff_mode:
    support: none
    description: What changes on a cluster is shown by M(selfhosted.serverless.release).
extends_documentation_fragment:
  - selfhosted.serverless.content
  - selfhosted.serverless.images
  - selfhosted.serverless.rate_limits
options:
  dest:
    description: The file to write. Its folder is made when it is missing.
    type: path
    required: true
  content: &content
    description:
      - What the documents come from, in this order. Each item names its O(content[].sources), or in short exactly one of
        O(content[].path), O(content[].url), O(content[].go_module) and O(content[].image).
    type: list
    elements: dict
    default: []
    suboptions:
      kind:
        description:
          - V(manifests) are YAML files; of a directory all files that end in C(.yaml), C(.yml) or C(.json), in the order
            of their names.
          - V(kustomize) is built by C(kubectl kustomize).
          - V(istioctl) is rendered by C(istioctl manifest generate) from O(content[].values).
        type: str
        choices: [manifests, kustomize, istioctl]
        default: manifests
      name:
        description: What the item is called in messages; the name of its file by default.
        type: str
      sources:
        description:
          - Where the item may be had, in the order to be tried; its checksum decides, so any of them will do. All that fail
            are named in one error.
          - A source may say O(content[].kind), O(content[].sha256), O(content[].build), O(content[].kubectl) and
            O(content[].version) for itself, where it has the content in another form.
        type: list
        elements: dict
      path:
        description:
          - A file or directory on the controller; with O(content[].go_module) one inside the module, with
            O(content[].image) a file in the image; with O(content[].kind=istioctl) alone the program.
        type: str
      url:
        description:
          - Address of a YAML file, http or https. Several are tried in order, such as the origin and a mirror.
          - What was fetched is kept below C(~/.cache/selfhosted-serverless/downloads) under its checksum.
        type: list
        elements: str
      go_module:
        description:
          - A Go module as C(path@version). It is taken from the user's module cache, else from the module proxies of
            O(go_proxy), without the command C(go).
        type: str
      sum:
        description: With O(content[].go_module), the module's sum as in C(go.sum), C(h1:...). Anything else is refused.
        type: str
      image:
        description:
          - An image, of which O(content[].path) is one file, or the program with O(content[].kind=istioctl). It comes
            through the image policy O(images) and is locked like every image.
        type: str
      sha256:
        description:
          - Checksum of the content. It is required, but for an installed istioctl that O(content[].version) pins, a module
            with O(content[].sum), and an image with a digest or a lock. When it is missing or wrong, the error shows the
            value found.
          - That of a directory is what C(find . -type f -printf '%P\n' | LC_ALL=C sort | xargs -d '\n' sha256sum |
            sha256sum) prints in it.
        type: str
      build:
        description: With O(content[].kind=kustomize), the folder inside O(content[].path) that is built.
        type: str
      kubectl:
        description: With O(content[].kind=kustomize), the kubectl to run. The default is the one in E(PATH).
        type: str
      version:
        description:
          - With O(content[].kind=istioctl), what C(istioctl version --remote=false) must say; O(content[].sha256) may
            be given instead.
        type: str
      values:
        description:
          - With O(content[].kind=istioctl), an IstioOperator with C(spec). C(spec.hub) and C(spec.tag) must be set.
        type: dict
  select: &select
    description: Keep only documents that one of these matches. An item that matches nothing is an error.
    type: list
    elements: dict
    default: []
    suboptions: &matcher
      kind:
        description: Kind of the document; a shell pattern.
        type: str
      name:
        description: Name of the document; a shell pattern.
        type: str
      namespace:
        description: Namespace that the document names; a shell pattern.
        type: str
      group:
        description: API group of the document, empty for the core group; a shell pattern.
        type: str
  exclude: &exclude
    description: Drop documents that one of these matches.
    type: list
    elements: dict
    default: []
    suboptions: *matcher
  definitions: &definitions
    description: Documents of your own, added after O(select) and O(exclude). No secrets in here.
    type: list
    elements: dict
    default: []
  overlays: &overlays
    description: Changes to the documents, in order.
    type: list
    elements: dict
    default: []
    suboptions:
      match:
        description: Which documents are changed.
        type: dict
        required: true
        suboptions: *matcher
      patch:
        description:
          - Merged into the document. A null removes the key. Lists of maps are merged item by item by C(name),
            C(containerPort), C(port), C(mountPath), C(key), C(ip) or C(topologyKey), whichever all items have. Any other
            list is replaced.
        type: dict
      json_patch:
        description: Operations of RFC 6902, applied after O(overlays[].patch).
        type: list
        elements: dict
      optional:
        description: Whether it is fine that nothing matches.
        type: bool
        default: false
  more:
    description: Further files, each with the same options, for which a task of their own would be too much.
    type: list
    elements: dict
    default: []
    version_added: "1.1.0"
    suboptions:
      dest:
        description: The file to write.
        type: path
        required: true
      content: *content
      select: *select
      exclude: *exclude
      definitions: *definitions
      overlays: *overlays
  releases:
    description:
      - The releases that the files are for, each with its C(name), its C(manifests) and C(existing) as
        M(selfhosted.serverless.release) takes it. They are returned as they are, for M(selfhosted.serverless.site_check).
    type: list
    elements: dict
    default: []
    version_added: "1.1.0"
"""

EXAMPLES = r"""
- name: Render Knative Serving
  selfhosted.serverless.render:
    dest: "{{ serverless_work_dir }}/knative-serving.yaml"
    content:
      - go_module: knative.dev/operator@v0.42.2
        path: cmd/operator/kodata/knative-serving/1.15.2
        sha256: 19b0f64832266c57480dee19be1f77b9847f7d94637b2c2d8dd3b9671c35674f
    exclude:
      - kind: Job
    overlays:
      - match: {kind: ConfigMap, name: config-domain}
        patch: {data: {example.com: ""}}
"""

RETURN = r"""
path:
  description: The file.
  returned: success
  type: str
  sample: /home/me/.cache/selfhosted-serverless/work/lab/knative-serving.yaml
documents:
  description: How many documents it holds.
  returned: success
  type: int
  sample: 73
images:
  description: Image references found in them.
  returned: success
  type: list
  elements: str
sources:
  description: Where the content came from, with the checksum of each.
  returned: success
  type: list
  elements: dict
  sample:
    - source: knative.dev/operator@v0.42.2/cmd/operator/kodata/knative-serving/1.15.2
      sha256: 19b0f64832266c57480dee19be1f77b9847f7d94637b2c2d8dd3b9671c35674f
more:
  description: The same of each further file.
  returned: success
  type: list
  elements: dict
releases:
  description: O(releases).
  returned: success
  type: list
  elements: dict
"""
