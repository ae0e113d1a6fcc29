# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The base of all actions: checked arguments, plain values, one kind of failure, progress and warnings."""

from __future__ import annotations

import gc
import json
from abc import abstractmethod
from datetime import date
from typing import Any, ClassVar

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.selfhosted.serverless.plugins.module_utils.options.networks import of_network
from ansible_collections.selfhosted.serverless.plugins.module_utils.report.steps import Outcome
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.documentation import Options, options_of
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.own_registry import with_own_registry
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.run_journal import Note, write_at_exit

# Options of which a network says what they are where the inventory says nothing
OF_NETWORK = ("images", "content_places", "go_proxy")


class DocumentedAction(ActionBase):
    """An action that runs in the controller's process, where progress is seen and passwords are read.

    Its options are those that the module of the same name documents; what the inventory says once for all tasks
    (context, image policy, gateway) need not be given. A subclass says what it does in `act`, and with
    `errors` which exceptions are a failure of the task, not a fault of ours. `rules` are what documentation cannot say
    about options together (required_if, mutually_exclusive, ...), as ArgumentSpecValidator takes them. With `waits` the
    action does nothing but wait for the cluster. Each action is noted in the journal of the run, see run_journal.py.
    """

    _requires_connection = False
    _supports_check_mode = True
    errors: ClassVar[tuple[type[Exception], ...]] = (OSError,)
    rules: ClassVar[dict[str, Any]] = {}
    waits: ClassVar[bool] = False
    options: ClassVar[Options]

    def __init_subclass__(cls, **keywords: Any) -> None:
        """Read the documentation once: Ansible loads the class before it forks the workers, one for each task."""
        super().__init_subclass__(**keywords)
        if cls.__name__ == "ActionModule":
            cls.options = options_of(cls.__module__.rpartition(".")[2])
            write_at_exit()
            # What is there by now lives to the end: in the workers, collections that look at it would copy its pages.
            gc.freeze()

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Check the arguments, act, and return what the task shows of it."""
        result = super().run(tmp, task_vars)
        self.variables = task_vars or {}
        self._warned: list[tuple[str, str]] = []
        note = Note(self._task, self.variables, self._variable)
        notes: dict[str, Any] = {}
        try:
            args = self._arguments()
            notes["context"] = args.get("context") or ""
            done = self._done(args)
            if not done.get("failed"):
                notes |= self.notes(args, done)
        except Exception as error:
            note.end(Outcome.FAILED, str(error) or type(error).__name__, self._warned, self.waits, notes)
            raise
        note.end(_outcome(done), str(done["msg"]) if done.get("failed") else "", self._warned, self.waits, notes)
        if not self._task.diff:
            done.pop("diff", None)
        result.update(done)
        return result

    @abstractmethod
    def act(self, args: dict[str, Any], check: bool) -> dict[str, Any]:
        """Do it, or in check mode only tell what would be done, and return the result of the task.

        A `diff` in it is shown where the task asks for one.
        """

    def notes(self, args: dict[str, Any], done: dict[str, Any]) -> dict[str, Any]:
        """Return what the report of the run is to know of this action, by the parts that report/document.py names."""
        return {}

    def subject(self, args: dict[str, Any]) -> str:
        """Return what the message of a failure begins with: the context, where the action has one."""
        return f"context '{args['context']}': " if args.get("context") else ""

    def remedy(self, args: dict[str, Any], error: Exception) -> str:
        """Return what to do about a failure, '' where its own words say it."""
        return ""

    def tell(self, line: str) -> None:
        """Print a line of progress."""
        self._display.display(f"  {self._whose}{line}")

    def show(self, lines: list[str]) -> None:
        """Print a text."""
        self._display.display("\n" + "\n".join(lines) + "\n")

    def warn(self, text: str, remedy: str = "") -> None:
        """Print a warning, and below it what to do about it where the text does not say that."""
        self._warned.append((text, remedy))
        told = f"{self._whose}{text}"
        self._display.warning(f"{told}\n  {remedy}" if remedy else told)

    @property
    def _whose(self) -> str:
        """What a line begins with where the play has several hosts, which do not wait for one another."""
        several = len(self.variables.get("ansible_play_hosts_all") or ()) > 1
        return f"{self.variables['inventory_hostname']}: " if several else ""

    def _done(self, args: dict[str, Any]) -> dict[str, Any]:
        """Act, and have every failure begin with the subject."""
        try:
            done = self.act(args, bool(self._task.check_mode))
        except self.errors as error:
            # Without its cause: Ansible would print the same words once more for each error below it.
            told = "\n".join(filter(None, [str(error), self.remedy(args, error)]))
            raise AnsibleActionFail(f"{self.subject(args)}{told}") from None
        if done.get("failed"):
            done["msg"] = f"{self.subject(args)}{done['msg']}"
        return done

    def _arguments(self) -> dict[str, Any]:
        """Return the checked arguments as plain values: no tags, no lazy containers."""
        given = {name: value for name, value in self._task.args.items() if value is not None}
        shared = {name: variables for name, variables in self.options.variables.items() if name not in given}
        # Before they are validated: that copies them, which takes ten times as long with their tags.
        self._task.args = json.loads(json.dumps({**self._of_inventory(shared), **given}, default=_plain))
        return dict(self.validate_argument_spec(argument_spec=self.options.spec, **self.rules)[1])

    def _of_inventory(self, shared: dict[str, tuple[str, ...]]) -> dict[str, Any]:
        """Return the values of options that the task leaves to the inventory, as far as that has them."""
        found = {}
        for option, variables in shared.items():
            name = next((variable for variable in variables if variable in self.variables), None)
            if name:
                found[option] = self._variable(name)
            elif option in OF_NETWORK and "serverless_network" in self.variables:
                # The role serverless has it as its default, which tasks outside of roles do not see.
                found[option] = of_network(self._variable("serverless_network"), option)
        if "images" in shared:
            found["images"] = with_own_registry(found.get("images"), self._variable)
        return found

    def _variable(self, name: str) -> Any:
        # Most are no templates, and those that are none need not be compiled as an expression would be.
        return self._templar.template(self.variables[name]) if name in self.variables else None


def _outcome(done: dict[str, Any]) -> Outcome:
    if done.get("failed"):
        return Outcome.FAILED
    return Outcome.CHANGED if done.get("changed") else Outcome.OK


def _plain(value: object) -> str:
    """Return what JSON has no form for: YAML reads some unquoted words as dates."""
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot be an argument")
