"""The templates of the role, rendered by Ansible's own templating."""

from __future__ import annotations

from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from todo_servers import APP

ROLE = APP.parents[1]
SHARED = ROLE.parent / "serverless"
VARIABLES = sorted(str(file.relative_to(ROLE)) for file in (ROLE / "vars" / "main").glob("*.yml"))
IMAGE = "127.0.0.1:5001/todo/app@sha256:" + "a" * 64


def render(template: str, **changed: object) -> str:
    """The text of a template of the role with its defaults and the given variables."""
    text = (ROLE / "templates" / template).read_text()
    templar = _templar(changed)
    with templar.set_temporary_context(searchpath=[str(ROLE / "templates")]):
        return templar.template(trust_as_template(text))


def evaluate(expression: str, **changed: object) -> object:
    """The value of an expression in the role, with its defaults and the given variables."""
    return _templar(changed).template(trust_as_template(f"{{{{ {expression} }}}}"))


def _templar(changed: dict[str, object]) -> Templar:
    loader = DataLoader()
    loader.set_basedir(str(ROLE))
    variables: dict[str, object] = {"inventory_hostname": "here"}
    files = [SHARED / "defaults/main.yml", SHARED / "vars/main.yml", ROLE / "defaults/main.yml"]
    for file in (*files, *(ROLE / name for name in VARIABLES)):
        variables |= loader.load_from_file(str(file), cache="none", trusted_as_template=True)
    return Templar(loader, variables=variables | {"todo_image": IMAGE} | changed)
