# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The exact map from a release's references to the lab's images.

A release names its images by digest, and a local build cannot have upstream's digests. The lab's images have the same
repositories and a tag of the lab's; inventories/lab/group_vars/clusters/image_map.yml says which reference means which.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from .errors import LabImageError

# host/path@sha256:digest, as it stands in manifests, config maps and arguments.
_BY_DIGEST = re.compile(r"(?P<repository>[a-z0-9][a-z0-9.-]*\.[a-z]+(?::[0-9]+)?/[A-Za-z0-9._/-]+)@sha256:[0-9a-f]{64}")


def image_map(manifests: Iterable[str], images: Iterable[str], not_made: Iterable[str] = ()) -> dict[str, str]:
    """Return reference by digest -> name of the lab's image, sorted, for all that the texts of manifests refer to.

    images are names with tag; each repository may be there once. not_made are repositories that the lab does without.
    Raises LabImageError with every repository that is referred to and has no image.
    """
    tagged: dict[str, str] = {}
    for image in images:
        repository = image.rpartition(":")[0]
        if repository in tagged:
            raise LabImageError(f"Two lab images share a repository: {tagged[repository]}, {image}; keep one")
        tagged[repository] = image
    found = {match.group(): match.group("repository") for text in manifests for match in _BY_DIGEST.finditer(text)}
    without = set(not_made)
    references = {reference: repository for reference, repository in found.items() if repository not in without}
    missing = sorted({repository for repository in references.values() if repository not in tagged})
    if missing:
        raise LabImageError(f"The release refers to images that the lab does not make: {', '.join(missing)}")
    return {reference: tagged[references[reference]] for reference in sorted(references)}
