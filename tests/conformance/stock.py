"""What the lab's own actions build for a suite: an entry of the catalogue (lab_build) and recipes (lab_stock)."""

from __future__ import annotations

from typing import Any

from .suite import Images, Suite

# The component of the modules that files of images come from
MODULES = "conformance-modules"


def catalogue(suite: Suite) -> dict[str, Any]:
    """Return the suite's tests and the programs of its images, and its further components, as the lab has its own."""
    builds: list[dict[str, Any]] = [{"tests": suite.tests, "tags": list(suite.tags)}]
    packages = {program(images, name): path for images in suite.images for name, path in images.programs.items()}
    builds += [{"packages": group} for group in _groups({**suite.programs, **packages})]
    modules = {MODULES: {"modules": suite.modules}} if suite.modules else {}
    return {suite.component: {"go": {"builds": builds}}, **suite.components, **modules}


def recipes(suite: Suite) -> dict[str, Any]:
    """Return the suite's images, as roles/lab/vars/images.yml has them."""
    made = dict(suite.recipes)
    for images in suite.images:
        for name, reference in images.names().items():
            file = program(images, name)
            entry = {"component": suite.component, "file": file, "path": f"/ko-app/{name}"}
            made[reference] = {"base": images.base, "program": entry, "config": {"User": images.user}}
    return made


def program(images: Images, name: str) -> str:
    """Return the file of an image's program: images of several repositories may have the same name."""
    return f"{images.repository.rsplit('/', 1)[-1]}-{name}"


def _groups(packages: dict[str, str]) -> list[dict[str, str]]:
    """Return the packages in as few groups as can be, none with two packages of the same last name.

    One `go build` cannot make two programs of the same name.
    """
    groups: list[dict[str, str]] = []
    for name, path in packages.items():
        last = path.rsplit("/", 1)[-1]
        for group in groups:
            if all(other.rsplit("/", 1)[-1] != last for other in group.values()):
                group[name] = path
                break
        else:
            groups.append({name: path})
    return groups
