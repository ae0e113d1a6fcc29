# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why something does not get ready, and how long waiting may help: one table, cause by cause.

Everything else in this package finds causes; only this table says what patience each of them deserves.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

LASTING_SECONDS = 60.0
LASTING_SHARE = 1 / 3  # of the wait's limit


class Patience(Enum):
    """How a cause ends. Seconds are counted from the first look that saw it, and looks are 3 s apart."""

    FINAL = "final"  # it is over: end the wait at once
    HOPELESS = "hopeless"  # cannot change by itself: end the wait after a few seconds, in which the reason settles
    RECHECKED = "rechecked"  # the same, but who decides looks again only after some seconds: end after 9 s
    LASTING = "lasting"  # somebody or something may mend it: end after 60 s or a third of the limit, what is longer
    PASSING = "passing"  # goes by itself: never ends the wait, is told as its reason
    UNDERWAY = "underway"  # nothing is wrong, it is only not done yet: told while there is nothing else to tell

    def seconds(self, limit: float) -> float | None:
        """How long a cause must last to end a wait of `limit` seconds; None: it never does."""
        if self is Patience.LASTING:
            return max(LASTING_SECONDS, limit * LASTING_SHARE)
        return {Patience.FINAL: 0.0, Patience.HOPELESS: 5.0, Patience.RECHECKED: 9.0}.get(self)


@dataclass(frozen=True)
class Cause:
    """`advice` says what a person can do about it."""

    patience: Patience
    advice: str


_NODES = "look at the nodes: kubectl get nodes"
_IMAGE = "see whether the mirror has the image and whether the pull secret is right"
_TEMPLATE = "correct the pod's template"

CAUSES: dict[str, Cause] = {
    # --- images -------------------------------------------------------------------------------------------------
    # The registry has answered, and its answer about this name will be the same next time.
    "image-refused": Cause(Patience.HOPELESS, _IMAGE),
    # 429, 5xx, a refused or reset connection, a timeout, a name server: the kubelet tries again by itself.
    "registry-away": Cause(Patience.PASSING, "see whether the registry can be reached from the node"),
    # The kubelet gave no cause, or one that is not known here.
    "image-unclear": Cause(Patience.LASTING, _IMAGE),
    # Large images and slow registries take their time; what the kubelet says in the end decides.
    "image-on-its-way": Cause(Patience.UNDERWAY, "see how fast the node reaches the registry"),
    # Pull policy Never: no kubelet will ever fetch it, only a person can bring it to the node.
    "image-never-pulled": Cause(Patience.HOPELESS, "bring the image to the node, or change imagePullPolicy"),
    # --- where a pod can run ------------------------------------------------------------------------------------
    # No node has ever had so much: only another machine or a smaller request helps.
    "too-large": Cause(Patience.HOPELESS, "lower its requests, or add a larger node"),
    # The nodes are full and no pod is on its way out. The scheduler backs off for up to 10 s, also when one has gone.
    "no-room": Cause(Patience.RECHECKED, "free or add resources, or lower its requests"),
    # The same while a pod is on its way out, as in a rolling update on a full node.
    "room-is-coming": Cause(Patience.PASSING, "a pod is on its way out"),
    # Labels of nodes do not change by themselves.
    "no-such-node": Cause(Patience.HOPELESS, "correct its node selector or affinity, or label a node"),
    # A taint that a person has set for a purpose.
    "tainted": Cause(Patience.RECHECKED, "add a toleration, or take the taint off a node"),
    # A taint of a node that is starting, away for a moment, or short of something.
    "node-not-ready": Cause(Patience.PASSING, _NODES),
    # Who cordons a node frees it again: maintenance.
    "cordoned": Cause(Patience.PASSING, "a node is cordoned: kubectl uncordon frees it"),
    # Depends on other pods, which may still come or go.
    "not-beside-others": Cause(Patience.LASTING, "look at its affinity and topology spread constraints"),
    # The autoscaler has said that it adds a node.
    "node-is-coming": Cause(Patience.PASSING, "an autoscaler adds a node"),
    # The autoscaler has said that no node that it could add would help.
    "autoscaler-declined": Cause(Patience.HOPELESS, "lower its requests, or let the autoscaler add larger nodes"),
    "unschedulable": Cause(Patience.LASTING, "look at its requests, selectors and volumes"),
    # A scheduling gate is taken off by whoever has set it.
    "gated": Cause(Patience.PASSING, "whoever has set its scheduling gates has to take them off"),
    "not-scheduled": Cause(Patience.UNDERWAY, "see whether its scheduler runs: spec.schedulerName"),
    # --- claims and volumes -------------------------------------------------------------------------------------
    # Neither a class nor a default one: no controller will touch the claim.
    "no-storage-class": Cause(Patience.HOPELESS, "name a storage class, or make one the default"),
    "storage-class-missing": Cause(Patience.HOPELESS, "create the storage class, or name another"),
    # A provisioner is at work, or will be as soon as the pod has a node.
    "claim-in-provision": Cause(Patience.PASSING, "see whether the provisioner of its storage class runs"),
    # Without a provisioner a person makes the volume.
    "claim-without-volume": Cause(Patience.LASTING, "create a persistent volume that fits the claim"),
    # The provisioner has tried and failed; it tries again.
    "provision-failed": Cause(Patience.LASTING, "see what the provisioner of its storage class says"),
    "claim-missing": Cause(Patience.LASTING, "create the claim"),
    # Detaching from another node takes a while; a device may be slow.
    "mount-failed": Cause(Patience.LASTING, "look at the volume and its driver"),
    # --- what a container needs to start ------------------------------------------------------------------------
    # Operators make Secrets (certificates, passwords) some seconds after the pods that mount them.
    "object-missing": Cause(Patience.LASTING, "create what it refers to"),
    # The kubelet has not seen the object yet, though it may exist.
    "object-not-synced": Cause(Patience.PASSING, "look at the node's kubelet"),
    # The spec or the image contradicts itself: runAsNonRoot with root, a command that is not in the image.
    "cannot-start": Cause(Patience.HOPELESS, "correct its command, its securityContext or its image"),
    # The runtime is busy or in between: a name still reserved, a deadline.
    "runtime-busy": Cause(Patience.LASTING, "look at the node's container runtime"),
    # The network plugin of a node comes up after the node.
    "sandbox-failed": Cause(Patience.LASTING, "look at the node's network plugin and container runtime"),
    # --- containers that run ------------------------------------------------------------------------------------
    # Controllers end and start again while webhooks, databases and CRDs come up.
    "ends-badly": Cause(Patience.PASSING, "read its log"),
    # A third restart is no coincidence any more.
    "crash-loop": Cause(Patience.FINAL, "read its log"),
    # A slow start looks like this as well.
    "not-answering": Cause(Patience.PASSING, "read its log, and compare its probe with what it serves"),
    # --- pods that the API server refuses -----------------------------------------------------------------------
    # Somebody may raise the quota, or free some of it.
    "over-quota": Cause(Patience.LASTING, "raise the quota, free some of it, or lower the requests"),
    # The rules of the namespace against the template: both change by hand only.
    "pod-security": Cause(Patience.HOPELESS, f"{_TEMPLATE}, or the namespace's Pod Security level"),
    "limit-range": Cause(Patience.HOPELESS, f"{_TEMPLATE}, or the LimitRange of the namespace"),
    "quota-needs-requests": Cause(Patience.HOPELESS, "set the requests and limits that the quota counts"),
    # A policy said no.
    "webhook-denied": Cause(Patience.HOPELESS, f"{_TEMPLATE}, or the policy behind the webhook"),
    # The webhook's server is away; pods are created when it is back.
    "webhook-away": Cause(Patience.PASSING, "look at the pods behind the webhook's service"),
    # Comes with its release, or from the controller manager, some moments later.
    "service-account-missing": Cause(Patience.LASTING, "create the service account"),
    "pod-invalid": Cause(Patience.HOPELESS, _TEMPLATE),
    "namespace-terminating": Cause(Patience.HOPELESS, "the namespace is being deleted: see what holds it"),
    "pods-refused": Cause(Patience.LASTING, "see the events of its controller"),
    # Whatever it was that lacked is there by now; the next try of the kubelet or controller will find it.
    "mended": Cause(Patience.PASSING, "this is mended by now; the next try, which may take minutes, will see it"),
    # --- custom resources ---------------------------------------------------------------------------------------
    # Knative marks a revision as failed for good; a new one is needed.
    "revision-failed": Cause(Patience.HOPELESS, "look at the revision's conditions and its pods"),
    # Initial scale not achieved in time; its pods may still come up.
    "revision-late": Cause(Patience.LASTING, "look at the revision's pods"),
}


@dataclass(frozen=True)
class Finding:
    """One cause, seen at `subject` (such as 'pod shop/web-0'), in the cluster's own words in `what`.

    `log_of` is (namespace, pod, container) where the last line of a log tells more. `older` marks the pod of an older
    version: it is told, but is about to be replaced, and so never ends a wait.
    """

    cause: str
    subject: str
    what: str
    log_of: tuple[str, str, str] | None = None
    older: bool = False

    @property
    def patience(self) -> Patience:
        return Patience.PASSING if self.older else CAUSES[self.cause].patience

    @property
    def advice(self) -> str:
        return CAUSES[self.cause].advice

    def __str__(self) -> str:
        return f"{self.subject}: {self.what}; {self.advice}"

    def in_short(self, with_advice: bool) -> str:
        """The finding, without its advice where none is wanted yet and it may pass by itself."""
        may_pass = self.patience in (Patience.PASSING, Patience.UNDERWAY)
        return f"{self.subject}: {self.what}" if may_pass and not with_advice else str(self)
