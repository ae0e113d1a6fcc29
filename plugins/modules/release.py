# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation alone: the code runs as the action plugin of the same name.

from __future__ import annotations

DOCUMENTATION = r"""
---
module: release
short_description: Apply or remove a set of Kubernetes objects as one release
version_added: "1.0.0"
author:
  - selfhosted.serverless contributors (@selfhosted)
description:
  - Applies documents by server-side apply in stages. Namespaces and CRDs come first, then access, configuration and
    services, then workloads, then webhook configurations (once their servers answer), then custom resources.
  - What belongs to the release carries the label C(serverless.selfhosted/release) and is listed in a ConfigMap
    C(release-NAME), from which pruning and removal work.
  - A plan is made first. It says for every object whether it is created, adopted, changed, kept, given back, deleted or
    waited for, with the reason, and finds all that forbids the run. Check mode prints the plan, a run carries it out.
  - The result tells a change exactly when the server stored something new.
  - One run at a time changes a cluster. A second one says who is at work, and waits up to O(lock_timeout).
  - Image references in the documents are rewritten as the image policy says. In mode C(rewrite), of several mirrors the
    first is taken that has the image for the nodes' architectures. Which image that must be stands in the policy's C(lock),
    by default C(images.lock.yml) beside the inventory.
  - An object that was there before is adopted. It is given back on removal (our fields are taken off), not deleted. A
    namespace may belong to several releases, and is deleted only when nothing of others is in it.
  - Fields that controllers own are never sent, such as the CA bundle of webhooks, the replicas of what an autoscaler
    scales, or the rules of aggregated cluster roles.
attributes:
  check_mode:
    support: full
    description:
      - The plan is printed, a long one counted by kind unless differences or verbose output are asked for. The server
        judges it (dry run), deletions too. Custom resources of CRDs that are not there yet cannot be judged; of objects
        in missing namespaces the fields and the permissions are. What cannot be judged, because of a webhook too, says so.
  diff_mode:
    support: full
    description: The fields that the release owns, before and after. Values of secrets are shown as fingerprints.
extends_documentation_fragment:
  - selfhosted.serverless.cluster
  - selfhosted.serverless.images
  - selfhosted.serverless.rate_limits
  - selfhosted.serverless.rollback
  - selfhosted.serverless.run_lock
options:
  name:
    description: Name of the release.
    type: str
    required: true
  version:
    description: Version of the content, kept in the release's inventory for people to see.
    type: str
    default: ""
  state:
    description:
      - Whether the release is on the cluster. For V(absent) the inventory on the cluster says what belongs to it.
        M(selfhosted.serverless.removal) removes several, and has options for what is to stay or to go besides.
    type: str
    choices: [present, absent]
    default: present
  manifests:
    description: YAML files on the controller.
    type: list
    elements: path
    default: []
  definitions:
    description: Inline documents, after those of O(manifests). No secrets in here; see O(secrets).
    type: list
    elements: dict
    default: []
  secrets:
    description: Secrets that are made inside the plugin, so that no value is in arguments, results, logs or diffs.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the Secret.
        type: str
        required: true
      namespace:
        description: Its namespace; the default is O(namespace).
        type: str
      type:
        description: Its type. The default is V(Opaque), or V(kubernetes.io/dockerconfigjson) with a docker config.
        type: str
      keys:
        description:
          - Keys, each with a source of its value, which is a dict of one entry. C(env) names an environment variable of
            the controller, C(file) a file there, C(value) is the value itself, best from a vault. C(generate) is the
            length of a random value that is made once and then kept.
        type: dict
      docker_config:
        description: Registries (host or host:port), each with C(username) and C(password), the latter a source as above.
        type: dict
  namespace:
    description: Namespace of documents that need one and name none.
    type: str
  create_namespace:
    description: Whether O(namespace) itself is part of the release.
    type: bool
    default: false
  ignore_fields:
    description: Fields of documents that are not sent, because somebody else owns them.
    type: list
    elements: dict
    default: []
    suboptions:
      match:
        description: Which documents; all when it is empty.
        type: dict
        suboptions: &matcher
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
      pointers:
        description: JSON pointers, in which a segment C(*) stands for every item.
        type: list
        elements: str
        required: true
  prune:
    description:
      - Whether objects that an earlier version of the release had, and this one has not, are deleted or given back.
        Volume claims and generated passwords never are.
    type: bool
    default: true
  force_conflicts:
    description: Whether fields that another manager has set to other values are taken over. Otherwise that is an error.
    type: bool
    default: false
  requires:
    description: Releases without which this one does not work. They cannot be removed while it is there.
    type: list
    elements: str
    default: []
  after:
    description:
      - Releases that must be ready before anything is applied; a wait for them that was put off
        (O(selfhosted.serverless.settle#module:later)) is made up for first. Without it those of O(requires).
    type: list
    elements: str
  upgrade:
    description:
      - Whether another O(version) than the one that stands is an upgrade, which M(selfhosted.serverless.settle) completes.
        Until then what stands is kept on the cluster. What going back would not undo is told before the first write.
    type: bool
    default: false
  minor_steps:
    description:
      - Whether an installation of somebody else that is adopted may be one minor version older at the most, by the label
        or the image tag of its Deployments.
    type: bool
    default: false
  together:
    description: Releases that were applied before in the same upgrade. They go back when this one fails.
    type: list
    elements: str
    default: []
  last:
    description:
      - Documents that change only when the workloads of the others are rolled out, in a release that stands. Such are the
        proxies of a mesh, which must not be newer than its control plane, and webhooks that lead to it.
    type: list
    elements: dict
    default: []
    suboptions: *matcher
  keep:
    description: Objects that stay, and stay the release's own, although the documents have them no more.
    type: list
    elements: dict
    default: []
    suboptions: *matcher
  keep_while:
    description: Objects as long as any of which is there, O(keep) counts. They are named in a warning. Without any rule it counts always.
    type: list
    elements: dict
    default: []
    suboptions:
      api_version:
        description: API version of the objects.
        type: str
        required: true
      kind:
        description: Kind of the objects.
        type: str
        required: true
      namespace:
        description: Namespace of the objects; a shell pattern.
        type: str
      label_selector:
        description: Selects objects by their labels.
        type: str
      expression:
        description: JMESPath that must be truthy on the object.
        type: str
      what:
        description: What the object has to do with what is kept.
        type: str
        required: true
  role:
    description: The role whose options messages name as the remedy; empty for the options of this module.
    type: str
    default: ""
  existing:
    description: What to do with an installation of the same component that is not ours.
    type: dict
    suboptions:
      policy:
        description:
          - V(auto) uses it as it is where it serves, and stops otherwise. V(adopt) brings it to what the documents say,
            V(leave) uses it as it is, V(stop) refuses.
        type: str
        choices: [auto, adopt, leave, stop]
        default: auto
      marks:
        description: Objects by which the component is recognised, whoever installed it.
        type: list
        elements: dict
        default: []
        suboptions: &mark
          api_version:
            description: API version of the objects.
            type: str
            required: true
          kind:
            description: Kind of the objects.
            type: str
            required: true
          name:
            description: Name of the object.
            type: str
          namespace:
            description: Namespace of the objects.
            type: str
          label_selector:
            description: Selects objects by their labels.
            type: str
      operators:
        description:
          - Objects like O(existing.marks), of which an operator makes the component. It would undo what V(adopt) does, so that is refused
            while there are some.
        type: list
        elements: dict
        default: []
        version_added: "1.1.0"
        suboptions: *mark
      needs:
        description:
          - What others must have on the cluster before the release is installed there, such as the package of an operator in a
            catalog, or must not have. One that stands already is not asked for it.
        type: list
        elements: dict
        default: []
        version_added: "1.1.0"
        suboptions:
          api_version:
            description: API version of the object.
            type: str
            required: true
          kind:
            description: Kind of the object.
            type: str
            required: true
          name:
            description: Name of the object, or a pattern such as V(*).
            type: str
            required: true
          namespace:
            description: Namespace of the object.
            type: str
          label_selector:
            description: Selects objects of that name by their labels.
            type: str
          expression:
            description: JMESPath that must be truthy on one object of that name.
            type: str
          state:
            description: V(absent) for what must not be there, no object on which O(existing.needs[].expression) is truthy.
            type: str
            choices: [present, absent]
            default: present
          what:
            description: What is wrong where the need is not met, as a sentence.
            type: str
            required: true
          remedy:
            description: What to do about it.
            type: str
            required: true
      serves:
        description:
          - What holds for an installation that can be used as it is, as O(selfhosted.serverless.wait#module:for) takes
            it; each item with a name.
        type: list
        elements: dict
        default: []
      adoptable:
        description: Whether V(adopt) is told as a remedy. It is none where an operator is subscribed to.
        type: bool
        default: true
        version_added: "1.1.0"
      ours:
        description: Documents that are applied beside an installation of somebody else.
        type: list
        elements: dict
        default: []
        suboptions: *matcher
  timeout:
    description: Seconds for everything, retries and the waits between stages included.
    type: int
    default: 300
"""

EXAMPLES = r"""
- name: Apply Knative Serving
  selfhosted.serverless.release:
    name: knative-serving
    version: 1.15.2
    manifests: ["{{ serverless_work_dir }}/knative-serving.yaml"]
  register: serving

- name: Wait until it is ready
  selfhosted.serverless.wait:
    for: "{{ serving.wait }}"

- name: A database password that nobody has to know
  selfhosted.serverless.release:
    name: shop
    namespace: shop
    create_namespace: true
    secrets:
      - name: database
        keys:
          password: {generate: 32}

- name: Remove it again
  selfhosted.serverless.release:
    name: shop
    state: absent
"""

RETURN = r"""
created:
  description: Objects that are new, as C(Kind namespace/name).
  returned: success
  type: list
  elements: str
  sample: ["Namespace shop", "Secret shop/database"]
configured:
  description: Objects that were changed.
  returned: success
  type: list
  elements: str
unchanged:
  description: Objects that were right already.
  returned: success
  type: list
  elements: str
plan:
  description: What was planned for every object, with the reason.
  returned: success
  type: list
  elements: dict
  sample: [{"action": "create", "object": "ConfigMap shop/settings", "reason": "it is not there"}]
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
calm:
  description:
    - Whether all is new or as it was and no upgrade is under way, so that it may be waited for later
      (O(selfhosted.serverless.settle#module:later)).
  returned: success
  type: bool
left:
  description: Whether an installation of somebody else is used as it is (O(existing)).
  returned: success
  type: bool
unmigrated:
  description: CRDs of which objects may be stored in an older version than the one that is written now.
  returned: success
  type: list
  elements: str
  sample: ["eventtypes.eventing.knative.dev"]
wait:
  description: What must come true before the release is ready, for O(selfhosted.serverless.wait#module:for).
  returned: success
  type: list
  elements: dict
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
