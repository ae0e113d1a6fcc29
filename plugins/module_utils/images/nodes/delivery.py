# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Delivery to one node: its runtime is told the mirrors, pulls the planned images, and must then know them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from ...kube.wait.image_pulls import classify, is_rate_limit
from ..layout.layout import Layout
from ..policy.policy import RATE_LIMIT_WAIT
from ..progress import PERIOD, Progress
from ..registry.backoff import Backoff
from ..registry.cooldown import HINT
from .containerd_hosts import LOGIN
from .delivery_record import DeliveryRecord
from .node import Node, NodeError, Wanted

_PULLS = 4  # images at a time; each pulls its layers in parallel

# How a node's runtime is told again to pull an image whose registry is away
BACKOFF = Backoff(first_pause=1.0, longest_pause=5.0)
# A limit lasts for minutes or hours, and runtimes do not tell how long.
_LIMIT_PAUSES = Backoff(first_pause=5.0, longest_pause=60.0)

Report = Callable[[str], None]


@dataclass(frozen=True)
class FileChange:
    """A file below the node's certs_dir and its text before and after; '' where there is none."""

    name: str
    before: str
    after: str


@dataclass
class Delivered:
    """What was done on a node, or would be in check mode.

    `kept` are images that stay, because containers use them; `left` those of earlier deliveries that this one does not
    want, which stay too.
    """

    node: str
    files: list[FileChange] = field(default_factory=list)
    pulled: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        return bool(self.files or self.pulled or self.removed)


def deliver(
    node: Node,
    files: Mapping[str, bytes],
    images: Sequence[Wanted],
    *,
    check: bool,
    report: Report,
    layout: Layout | None = None,
    period: float = PERIOD,
    backoff: Backoff = BACKOFF,
    rate_limit_wait: float = RATE_LIMIT_WAIT,
) -> Delivered:
    """Bring a node to these files (by name below certs_dir) and these images.

    The node pulls the images, or gets them out of a layout on the controller where there is one; `report` is told every
    `period` seconds how far that is. A pull waits for the rate limits of
    registries up to `rate_limit_wait` seconds. Raises NodeError if a command fails or if in the end a name stands for
    another digest than planned.
    """
    record = DeliveryRecord.of(node)
    done = Delivered(node.name, files=_changes(node, record, files))
    done.pulled = node.lacking(images, layout)
    done.left = sorted(set(record.images) - {image.name for image in images})
    if check or not done.changed:
        return done
    present = node.names()
    for change in done.files:
        if change.name in files:
            record.files.setdefault(change.name, change.before or None)
    # The record first: what is written but not recorded could not be taken away again.
    record.save(node)
    _write(node, record, done.files, files)
    node.reload()
    record.images = sorted({*record.images, *(name for name in done.pulled if name not in present)})
    record.save(node)
    wanted = [image for image in images if image.name in done.pulled]
    if layout:
        _load(node, wanted, layout, report, period)
    else:
        _pull(node, wanted, report, period, backoff, rate_limit_wait)
    wrong = node.lacking(images, layout)
    if wrong:
        raise NodeError(
            f"node {node.name}: after the delivery these names do not stand for the planned images: "
            f"{', '.join(wrong)}. "
            f"See that the runtime reads its registries' settings from the one directory {node.certs_dir}"
        )
    node.pin(done.pulled)
    return done


def take_away(node: Node, *, check: bool, deserted: Iterable[str] = ()) -> Delivered:
    """Take from a node what the record says: files as they were before, and images that no container uses.

    Of the images `deserted` containers that have ended count no more.
    """
    record = DeliveryRecord.of(node)
    if not record.files and not record.images:
        return Delivered(node.name)
    done = Delivered(node.name, files=_changes(node, record, {}))
    done.removed = node.removable(record.images)
    ended = set(record.images) & set(deserted) - set(done.removed)
    if ended:
        done.removed = sorted({*done.removed, *node.removable(ended, ended_count=False)})
    if check:
        return done
    _write(node, record, done.files, {})
    if done.files:
        node.reload()
    if done.removed:
        node.remove_images(done.removed)
    record.images = done.kept = sorted(set(record.images) & node.names())
    record.save(node)
    return done


def _changes(node: Node, record: DeliveryRecord, files: Mapping[str, bytes]) -> list[FileChange]:
    """Return the files that differ from what they shall be, earlier ones that are wanted no more included."""
    wanted: dict[str, str] = {name: text or "" for name, text in record.files.items()}
    wanted.update({name: content.decode() for name, content in files.items()})
    there = node.read_files(wanted) if wanted else {}
    texts = {name: there.get(name, b"").decode("utf-8", "replace") for name in wanted}
    return [FileChange(name, texts[name], wanted[name]) for name in sorted(wanted) if texts[name] != wanted[name]]


def _write(node: Node, record: DeliveryRecord, changes: Iterable[FileChange], files: Mapping[str, bytes]) -> None:
    for change in changes:
        if change.after:
            # A file with a login is root's alone.
            node.write_file(change.name, change.after.encode(), "0600" if LOGIN in change.after else "0644")
        else:
            node.remove_files([change.name])
    for name in set(record.files) - set(files):
        del record.files[name]


def _load(node: Node, images: list[Wanted], layout: Layout, report: Report, period: float) -> None:
    """Have the node import images out of a layout."""
    if not images:
        return
    report(f"{node.name}: importing {len(images)} images")
    with Progress(lambda line: report(f"{node.name}: {line}"), len(images), period) as progress:
        progress.expect(sum(image.size for image in images))
        node.load(layout, [image.name for image in images], progress.moved)


def _patiently(
    node: Node, image: Wanted, backoff: Backoff, rate_limit_wait: float, tell: Callable[[str], None]
) -> None:
    """Pull an image, again while its registry is away for a moment: runtimes that are told to pull ask once.

    A rate limit is waited for, and told.
    """
    clock, started, attempt, waited, limits = backoff.clock, backoff.clock.monotonic(), 0, 0.0, 0
    while True:
        attempt += 1
        try:
            return node.pull(image)
        except NodeError as error:
            is_limited = is_rate_limit(str(error))
            limits = limits + 1 if is_limited else 0
            pause = _LIMIT_PAUSES.pause(limits, None) if is_limited else backoff.pause(attempt, None)
            if is_limited:
                if waited + pause > max(rate_limit_wait, backoff.patience):
                    raise NodeError(f"{error}\n{HINT}") from None
            elif classify(str(error)) != "registry-away" or clock.monotonic() - started - waited >= backoff.patience:
                raise
        tell(
            f"{image.name}, whose registry limits requests, again at {clock.after(pause)}" if is_limited else image.name
        )
        clock.sleep(pause)
        waited += pause if is_limited else 0.0


def _pull(
    node: Node, images: list[Wanted], report: Report, period: float, backoff: Backoff, rate_limit_wait: float
) -> None:
    """Pull all images. Raises NodeError with every image that failed, after the others are there."""
    failures: list[str] = []
    under_way: dict[str, str] = {}

    def names() -> str:
        return f"pulling {', '.join(list(under_way.values()))}" if under_way else ""

    with (
        Progress(lambda line: report(f"{node.name}: {line}"), len(images), period, names) as progress,
        ThreadPoolExecutor(_PULLS) as pool,
    ):
        progress.expect(sum(image.size for image in images))

        def pull(image: Wanted) -> None:
            under_way[image.name] = image.name
            try:
                _patiently(node, image, backoff, rate_limit_wait, lambda text: under_way.update({image.name: text}))
            except NodeError as error:
                failures.append(str(error))
            else:
                progress.moved(image.size)
                progress.image_done()
            finally:
                del under_way[image.name]

        # What is largest takes longest, so it begins first.
        list(pool.map(pull, sorted(images, key=lambda image: -image.size)))
    if images:
        report(f"{node.name}: {progress.images}/{len(images)} images pulled")
    if failures:
        raise NodeError("\n".join(failures))
