"""The software bill of materials of the image: CycloneDX 1.6 in JSON, the same for the same contents.

See https://cyclonedx.org/docs/1.6/json/ and, for the names of packages, https://github.com/package-url/purl-spec.
"""

from __future__ import annotations

import importlib.metadata
import json
import platform
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import debian

_NAMESPACE = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")  # RFC 4122's for URLs
_LICENCE_LENGTH = 100


def document(application: Path, report: Path, packages: Sequence[debian.Package]) -> str:
    """The document. `application` holds the wheels and the package `todo`; `report` is pip's, with their hashes."""
    hashes = _hashes(json.loads(report.read_text(encoding="utf-8")))
    wheels = importlib.metadata.distributions(path=[str(application)])
    components = [_wheel(wheel, hashes) for wheel in wheels]
    components += [_debian(package, _distribution()) for package in packages]
    components.append(_component("application", "python", platform.python_version(), "pkg:generic/python"))
    content: dict[str, Any] = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": _component("application", "todo", _version(application), "pkg:generic/todo")},
        "components": sorted(components, key=lambda component: component["bom-ref"]),
    }
    # Of the content, since a random one would be another at each build
    content["serialNumber"] = f"urn:uuid:{uuid.uuid5(_NAMESPACE, json.dumps(content, sort_keys=True))}"
    return json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _component(kind: str, name: str, version: str, purl: str, qualifiers: str = "") -> dict[str, Any]:
    full = f"{purl}@{quote(version, safe=':')}{qualifiers}"
    return {"type": kind, "name": name, "version": version, "purl": full, "bom-ref": full}


def _wheel(wheel: importlib.metadata.Distribution, hashes: dict[str, str]) -> dict[str, Any]:
    name = _normal(wheel.metadata["Name"])
    component = _component("library", name, wheel.version, f"pkg:pypi/{name}")
    if name in hashes:
        component["hashes"] = [{"alg": "SHA-256", "content": hashes[name]}]
    if expression := wheel.metadata.get("License-Expression"):
        component["licenses"] = [{"expression": expression}]
    elif (licence := wheel.metadata.get("License", "")) and len(licence) < _LICENCE_LENGTH:
        component["licenses"] = [{"license": {"name": licence}}]
    return component


def _debian(package: debian.Package, distribution: str) -> dict[str, Any]:
    qualifiers = f"?arch={package.architecture}&distro={distribution}"
    return _component("library", package.name, package.version, f"pkg:deb/debian/{package.name}", qualifiers)


def _hashes(report: dict[str, Any]) -> dict[str, str]:
    """SHA-256 of each wheel by its package's name; see pip's installation report.

    An index need not tell hashes (PEP 503), and pip before 23.1 does not report what it found itself.
    """
    told = {
        _normal(item["metadata"]["name"]): (item["download_info"]["archive_info"].get("hashes") or {}).get("sha256")
        for item in report["install"]
    }
    return {name: digest for name, digest in told.items() if digest}


def _normal(name: str) -> str:
    """A package's name as PyPI compares it (PEP 503)."""
    return name.lower().replace("_", "-").replace(".", "-")


def _version(application: Path) -> str:
    lines = (application / "todo" / "__init__.py").read_text(encoding="utf-8").splitlines()
    (version,) = [line.split('"')[1] for line in lines if line.startswith("__version__")]
    return version


def _distribution() -> str:
    """Such as debian-12."""
    fields = platform.freedesktop_os_release()
    return f"{fields['ID']}-{fields.get('VERSION_ID', 'unknown')}"
