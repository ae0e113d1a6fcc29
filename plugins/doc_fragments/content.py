# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation shared by everything that fetches content."""

from __future__ import annotations

from typing import ClassVar


class ModuleDocFragment:
    """How content may be had from here."""

    VARIABLES: ClassVar = {
        "content_places": ("serverless_content_places",),
        "content_mirrors": ("serverless_content_mirrors",),
        "content_directory": ("serverless_content_directory",),
        "content_copy": ("__serverless_content_copy",),
        "go_proxy": ("serverless_go_proxy",),
        "pins": ("serverless_pins",),
    }

    DOCUMENTATION = r"""
options:
  content_places:
    description:
      - Which kinds of sources are asked, and in this order. Empty for all, in the order of each item. Files and folders
        of the controller are asked in any case, first of all where V(path) is not listed.
      - A task that does not give it takes the variable C(serverless_content_places).
    type: list
    elements: str
    choices: [path, url, go_module, image]
    default: []
  content_mirrors:
    description:
      - By the beginning of an URL, what to write instead, a list in the order to be tried. The origin is asked only
        where it stands in its own list.
      - A task that does not give it takes the variable C(serverless_content_mirrors).
    type: dict
    default: {}
  content_directory:
    description:
      - A folder in which content lies under its checksum; what is there is fetched from nowhere.
      - A task that does not give it takes the variable C(serverless_content_directory).
    type: path
  content_copy:
    description: A folder that gets a copy of all content, under its checksum, for a side without a network.
    type: path
  go_proxy:
    description:
      - A list of Go module proxies as in E(GOPROXY), which counts before it where the user has set it.
      - A task that does not give it takes the variable C(serverless_go_proxy).
    type: str
    default: https://proxy.golang.org
  pins:
    description:
      - Checksums by URL, for sources that have none.
      - A task that does not give it takes the variable C(serverless_pins).
    type: dict
    default: {}
"""
