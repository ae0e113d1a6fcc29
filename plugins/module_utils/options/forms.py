# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What texts and numbers must look like for Kubernetes, Knative and Prometheus to take them.

A form takes a value and returns '' or the rest of a sentence that begins with the option and its value: what is wrong,
and what to write. Sources: Kubernetes apimachinery pkg/util/validation (RFC 1123 labels and subdomains),
apimachinery pkg/api/resource (quantities), Go time.ParseDuration, Knative serving pkg/apis/autoscaling (window from
6 s to 1 h), Prometheus model/time.go (durations).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from ..http.authorities import read_authorities
from ..http.errors import HttpSetupError

Form = Callable[[Any], str]

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_QUANTITY = re.compile(r"(\d+(?:\.\d*)?|\.\d+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?")
_SUFFIXES = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_GO_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")
_GO_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PROMETHEUS = re.compile(r"(\d+y)?(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?")
_VERSION = re.compile(r"v?\d+\.\d+(\.\d+)?([-+.][0-9A-Za-z.+-]+)?")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]")
SYSTEM_NAMESPACES = (
    "kube-system",
    "kube-public",
    "kube-node-lease",
    "istio-system",
    "knative-serving",
    "knative-eventing",
)
MOST_LABEL, MOST_NAME = 63, 253


def namespace(value: Any) -> str:
    """The name of a namespace: an RFC 1123 label."""
    return _label(value, "a namespace")


def application_namespace(value: Any) -> str:
    """A namespace for workloads of one's own, not one of Kubernetes', Istio's or Knative's."""
    fault = namespace(value)
    if not fault and value in SYSTEM_NAMESPACES:
        return "belongs to the system; write a namespace of your own"
    return fault


def name(value: Any) -> str:
    """The name of an object: an RFC 1123 subdomain."""
    if not isinstance(value, str) or not value:
        return "is no name; write one such as registry"
    if len(value) > MOST_NAME or not all(_LABEL.fullmatch(label) for label in value.split(".")):
        return (
            "is no name of an object: lower-case letters, digits, hyphens and points, at most 253; "
            f"write {_lowered(value) or 'registry'}"
        )
    return ""


def domain(value: Any) -> str:
    """A DNS domain under which hosts are made."""
    text = str(value or "")
    if not text:
        return "is no domain; write one such as example.com"
    for mark, what in (("://", "an URL"), ("*", "a wildcard"), (":", "a domain with a port"), ("/", "a path")):
        if mark in text:
            return f"is {what}, not a domain; write one such as example.com"
    labels = text.split(".")
    if len(text) <= MOST_NAME and all(_LABEL.fullmatch(label) and len(label) <= MOST_LABEL for label in labels):
        return ""
    rule = "lower-case letters, digits and hyphens between points"
    return f"is no DNS domain: {rule}; write {_lowered(text) or 'example.com'}"


def quantity(value: Any) -> str:
    """A quantity of Kubernetes that is more than nothing."""
    text = str(value)
    if isinstance(value, bool) or not _QUANTITY.fullmatch(text):
        return f"is no quantity of Kubernetes; write {_near_quantity(text)}"
    return "" if amount(value) > 0 else "is nothing; write a quantity above 0, such as 200m or 1Gi"


def amount(value: Any) -> Decimal:
    """The number that a quantity stands for, 0 for what is none."""
    found = _QUANTITY.fullmatch(str(value))
    if not found:
        return Decimal(0)
    number, suffix = Decimal(found[1]), found[2] or ""
    if suffix in _BINARY:
        return number * 1024 ** _BINARY[suffix]
    power = int(suffix[1:]) if suffix[:1] in ("e", "E") and len(suffix) > 1 else _SUFFIXES[suffix]
    return number * Decimal(10) ** power


def knative_window(value: Any) -> str:
    """A duration as Go writes it, from 6 seconds to an hour."""
    seconds = _go_seconds(str(value))
    if seconds is None:
        return "is no duration; write a number and its unit without a blank, such as 30s or 2m"
    return "" if 6 <= seconds <= 3600 else "is not between 6s and 1h, which Knative's autoscaler wants; write 30s"


def prometheus_duration(value: Any) -> str:
    """A duration as Prometheus writes it."""
    text = str(value)
    good = text and _PROMETHEUS.fullmatch(text) and any(int(number) for number in re.findall(r"\d+", text))
    return "" if good else "is no duration of Prometheus; write a number and its unit, such as 15s, 12h or 3d"


def version(value: Any) -> str:
    """A version; '' where the set of releases has none of it."""
    text = str(value)
    if not text or _VERSION.fullmatch(text):
        return ""
    return "is no version; write one such as 1.31.1, or leave it out to have the one of the set (serverless_release)"


def minor_version(value: Any) -> str:
    """A version of Kubernetes as major.minor, or ''."""
    text = str(value)
    return (
        ""
        if not text or re.fullmatch(r"v?\d+\.\d+(\.\d+)?", text)
        else "is no version of Kubernetes; write one such as '1.34'"
    )


def host_and_port(value: Any) -> str:
    """host:port, or '' where it is found out."""
    text = str(value)
    if not text:
        return ""
    host, _colon, port = text.rpartition(":")
    if "://" in text or not _HOST.fullmatch(host) or not port.isdigit() or port_number(int(port)):
        return "is not host:port; write it as 127.0.0.1:80 or [::1]:80, without http://"
    return ""


def host(value: Any) -> str:
    """A name or an address without port, or ''."""
    text = str(value)
    if not text or _HOST.fullmatch(text) or re.fullmatch(r"[0-9A-Fa-f:]+:[0-9A-Fa-f:.]*", text):
        return ""
    return "is no name and no address; write it without http:// and without a port"


def registry(value: Any) -> str:
    """host[:port][/path] of a registry as in image references, or ''."""
    text = str(value)
    place, slash, path = text.partition("/")
    host_part, colon, port = place.rpartition(":") if not place.endswith("]") else (place, "", "")
    good = _HOST.fullmatch(host_part if colon else place) and (
        not colon or (port.isdigit() and not port_number(int(port)))
    )
    if not text or (good and "://" not in text and not (slash and not re.fullmatch(r"[a-z0-9._/-]+", path))):
        return ""
    return "is no registry; write host or host:port as it stands in image references, without https://"


def port_number(value: Any) -> str:
    """A port."""
    return "" if _is_number(value) and 1 <= value <= 65535 else "is no port; write one from 1 to 65535"


def node_port(value: Any) -> str:
    """A node port, or 0 where the cluster chooses one."""
    if _is_number(value) and (value == 0 or not port_number(value)):
        return ""
    usual = "30000 to 32767 unless it has another"
    return f"is no node port; write one of the cluster's range ({usual}), or 0 to have one chosen"


def authorities(value: Any) -> str:
    """A file on this machine with certificates in PEM form, or '' for none."""
    try:
        if value:
            read_authorities(str(value))
    except HttpSetupError as error:
        return f"{error}; write the path of a file on this machine with certificates in PEM form"
    return ""


def folder(value: Any) -> str:
    """A folder on this machine that can be read, or '' for none."""
    path = Path(str(value or ".")).expanduser()
    try:
        next(path.iterdir(), None)
    except OSError as error:
        return f"is no folder that can be read: {error.strerror}; write the path of one on this machine"
    return ""


def batch(value: Any) -> str:
    """A number of hosts, or a percentage of them."""
    good = re.fullmatch(r"\d+|(100|\d?\d)%", str(value))
    return "" if good else "is no number of hosts; write one such as 3, or a percentage such as 25%"


def at_least(least: float, unit: str = "") -> Form:
    """A number from `least` up; `unit` is the word for one."""
    words = f"{least:g} {unit}{'s' if unit and least != 1 else ''}".strip()

    def form(value: Any) -> str:
        if not _is_number(value):
            return f"is no number; write {words} or more"
        return "" if value >= least else f"is too small; write {words} or more"

    return form


def between(least: float, most: float) -> Form:
    """A number in a range."""

    def form(value: Any) -> str:
        what = "is out of range" if _is_number(value) else "is no number"
        good = _is_number(value) and least <= value <= most
        return "" if good else f"{what}; write one from {least:g} to {most:g}"

    return form


def filled(example: str) -> Form:
    """A text that is not empty."""

    def form(value: Any) -> str:
        return "" if str(value or "").strip() else f"is empty; write one such as {example}"

    return form


def or_empty(form: Form) -> Form:
    """Nothing, or what has the form."""

    def either(value: Any) -> str:
        return form(value) if value else ""

    return either


def each(form: Form) -> Form:
    """A list of which each item has the form; the first that has not is named."""

    def whole(value: Any) -> str:
        for item in value if isinstance(value, list) else []:
            if fault := form(item):
                return f"has the item {item!r}, which {fault}"
        return ""

    return whole


def requests(value: Any) -> str:
    """A mapping of resources to quantities."""
    for resource, wanted in value.items() if isinstance(value, dict) else ():
        if fault := quantity(wanted):
            return f"has {resource} {wanted!r}, which {fault}"
    return ""


def resources(value: Any) -> str:
    """Requests and limits of a container, of which no request is above its limit."""
    if not isinstance(value, dict):
        return ""
    for part in ("requests", "limits"):
        if fault := requests(value.get(part) or {}):
            return f"{fault} (in {part})"
    limits = value.get("limits") or {}
    for resource, wanted in (value.get("requests") or {}).items():
        if resource in limits and amount(wanted) > amount(limits[resource]):
            return f"requests {wanted} of {resource}, above the limit of {limits[resource]}; write a higher limit"
    return ""


def shares(value: Any) -> str:
    """Percentages of v1 and v2 that make 100 together."""
    good = isinstance(value, dict) and set(value) == {"v1", "v2"}
    numbers = [_percent(share) for share in value.values()] if good else []
    if good and None not in numbers and sum(number or 0 for number in numbers) == 100:
        return ""
    return "is no split: the percentages of v1 and v2 must make 100 together; write {v1: 50, v2: 50}"


def _percent(value: Any) -> int | None:
    text = str(value)
    return int(text) if not isinstance(value, bool) and text.isdigit() and int(text) <= 100 else None


def _label(value: Any, what: str) -> str:
    if not isinstance(value, str):
        return f"is no name of {what}: a text is wanted; write it in quotes"
    if len(value) <= MOST_LABEL and _LABEL.fullmatch(value):
        return ""
    rule = "lower-case letters, digits and hyphens, at most 63, with a letter or digit at both ends"
    return f"is no name of {what}: {rule}; write {_lowered(value).replace('.', '-') or 'todo'}"


def _lowered(text: str) -> str:
    """The nearest name: lower-case, with hyphens for what may not be in it, and cut off."""
    labels = [re.sub(r"[^a-z0-9-]+", "-", label)[:MOST_LABEL].strip("-") for label in text.lower().strip().split(".")]
    return ".".join(label for label in labels if label)[:MOST_NAME].strip(".-")


def _near_quantity(text: str) -> str:
    """The quantity that somebody may have meant by 200 m, 1 GB or 1gi."""
    found = re.fullmatch(r"\s*\+?(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", text)
    if not found:
        return "one such as 200m, 1 or 1Gi"
    number, unit = found[1], found[2].lower()
    meant = {"": "", "m": "m", "k": "k", "kb": "k", "ki": "Ki", "kib": "Ki"}
    for big in "mgtp":
        meant |= {f"{big}b": big.upper(), f"{big}i": f"{big.upper()}i", f"{big}ib": f"{big.upper()}i"}
    meant |= {"g": "G", "t": "T", "p": "P"}
    return f"{number}{meant[unit]}" if unit in meant else "one such as 200m, 1 or 1Gi"


def _go_seconds(text: str) -> float | None:
    """The seconds of a duration as Go writes it; None for what is none."""
    parts = _GO_PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    return sum(float(number) * _GO_SECONDS[unit] for number, unit in parts)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
