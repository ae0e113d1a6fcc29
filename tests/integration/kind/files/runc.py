"""Runs runc for a docker daemon that itself lacks capabilities: containers, privileged ones too, get those that it has.

Where the daemon lacks none this changes nothing. CAPABILITIES is in the order of their numbers (linux/capability.h).
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

CAPABILITIES = (
    "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE "
    "NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN "
    "SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE "
    "MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE"
).split()


def ours() -> set[str]:
    """The names of the capabilities that this process may give on."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    bits = int(next(line.split()[1] for line in status.splitlines() if line.startswith("CapBnd:")), 16)
    return {f"CAP_{name}" for number, name in enumerate(CAPABILITIES) if bits >> number & 1}


def limit(file: Path, *keys: str) -> None:
    """Take from a description of a process the capabilities that cannot be given."""
    document = json.loads(file.read_bytes())
    process = document
    for key in keys:
        process = process[key]
    there = ours()
    process["capabilities"] = {
        kind: [name for name in names if name in there] for kind, names in (process.get("capabilities") or {}).items()
    }
    file.write_text(json.dumps(document), encoding="utf-8")


def value(words: list[str], *options: str) -> str:
    """The value of an option in a command line, '' where it is not there."""
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word in options:
            return following
        name, separator, given = word.partition("=")
        if separator and name in options:
            return given
    return ""


def main(words: list[str]) -> None:
    """Look for what begins a process, and become runc."""
    if "create" in words or "run" in words:
        limit(Path(value(words, "--bundle", "-b") or ".", "config.json"), "process")
    elif "exec" in words and (file := value(words, "--process", "-p")):
        limit(Path(file))
    os.execvp("runc", ["runc", *words])


if __name__ == "__main__":
    main(sys.argv[1:])
