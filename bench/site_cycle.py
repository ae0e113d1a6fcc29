"""Parts a, b and c: the site installed, converged and removed by us and by the scripts, in turns on one lab."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass, field

from .site_documents import Documents, Renderings, kept
from .site_figures import Figure, ratio
from .site_labs import FirstAnswer, Played, Site, load_average
from .site_scripts import Script, Tasks

SITE, UNINSTALL = "site.yml", "playbooks/uninstall.yml"


@dataclass
class Cycle:
    """The seconds of each step, by its name; `installs` cycles with so many converged runs each."""

    site: Site
    installs: int
    converged: int
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def run(self) -> None:
        """Begin and end with an empty cluster; who goes first changes from round to round."""
        documents = prepared(self.site)
        script, tasks = Script(self.site, documents), Tasks(self.site, documents)
        for number in range(self.installs):
            ways = [self._ours, lambda: self._theirs(script, tasks)]
            for way in ways if number % 2 == 0 else reversed(ways):
                way()

    def _ours(self) -> None:
        self._install("ours", lambda: self.site.playbook(SITE))
        for _again in range(self.converged):
            self._note("ours converged", converged(self.site))
            self._note("ours converged, no verify", converged(self.site, "--skip-tags", "verify"))
        self._note("ours remove", self.site.playbook(UNINSTALL))
        self.site.calm()

    def _theirs(self, script: Script, tasks: Tasks) -> None:
        # The nodes find the mirror as with us; a user of scripts has seen to that before
        self.site.playbook(SITE, "--tags", "image_prefetch")
        self._install("script", script.install)
        for way, again in {
            "script": script.converge, "kubectl alone": script.apply_all, "kubernetes.core": tasks.converge
        }.items():  # fmt: skip
            if self.converged:
                again()  # what the way before wrote otherwise is settled now
            for _again in range(self.converged):
                self._note(f"{way} converged", again())
        self._note("script remove", script.remove())
        self.site.playbook(UNINSTALL, "--tags", "image_prefetch")
        self.site.calm()

    def _install(self, way: str, install) -> None:
        start = time.monotonic()
        with FirstAnswer(self.site.address) as first:
            played = install()
        if first.at is None:
            raise SystemExit(f"bench: the application has not answered at the end of the installation; {played.log}")
        self.seconds[f"{way} first 200"].append(first.at - start)
        self._note(f"{way} install", played)
        self.site.calm()

    def _note(self, step: str, played: Played) -> None:
        self.seconds[step].append(played.seconds)
        self.seconds[f"{step}, CPU"].append(played.cpu)
        print(f"  {step:28} {played.seconds:7.1f} s   CPU {played.cpu:5.1f} s   load {load_average()}", flush=True)

    def figures(self, parts: set[str]) -> list[Figure]:
        """Those of the wanted parts, with their bars."""
        of = {name: tuple(rounds) for name, rounds in self.seconds.items()}
        found = []
        if "a" in parts:
            ours = of["ours converged"]
            found.append(Figure("converged", "s", ours, at_most=4))
            found.append(Figure("converged, CPU", "s", of["ours converged, CPU"]))
            found.append(Figure("converged, without verifying", "s", of["ours converged, no verify"]))
            for way, most, least in (("script", 1, None), ("kubectl alone", None, None), ("kubernetes.core", None, 5)):
                other = of[f"{way} converged"]
                found.append(Figure(f"converged, {way}", "s", other))
                found.append(Figure(f"converged, {way}, CPU", "s", of[f"{way} converged, CPU"]))
                found.append(
                    ratio(f"converged, {way} over ours", other, ours, at_least=5)
                    if least
                    else ratio(f"converged, ours over {way}", ours, other, at_most=most)
                )
        if "b" in parts:
            found += self._pair(of, "first 200", None)
            found += self._pair(of, "install", 55)
        if "c" in parts:
            found += self._pair(of, "remove", 70, 1)
        return found

    @staticmethod
    def _pair(of: dict[str, tuple[float, ...]], step: str, limit: float | None, most: float = 0.7) -> list[Figure]:
        ours, other = of[f"ours {step}"], of[f"script {step}"]
        return [
            Figure(step, "s", ours, at_most=limit),
            Figure(f"{step}, script", "s", other),
            ratio(f"{step}, ours over script", ours, other, at_most=most),
        ]


def prepared(site: Site) -> Documents:
    """Install and remove once, unmeasured: then the node and the registry have all images, and we what was rendered."""
    renderings = Renderings(site.work / "todo.yaml")
    with renderings.watched():
        site.playbook(SITE)
    documents = kept(site, renderings)
    site.playbook(UNINSTALL)
    site.calm()
    return documents


def converged(site: Site, *arguments: str) -> Played:
    """A run on a site that stands, which must change nothing."""
    played = site.playbook(SITE, *arguments)
    if played.changed():
        raise SystemExit(f"bench: a converged run changed something; see {played.log}")
    return played
