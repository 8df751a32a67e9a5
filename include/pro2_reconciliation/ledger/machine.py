"""The machine that uses a ledger in a file: such a file serves the processes of one machine only.

A host name changes when a container is made anew, a boot id when the machine starts anew; who shares one of them
with the machine that used the file last is taken for the same. Linux tells the boot id; elsewhere the name decides.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
"""Source: random(4), "/proc interfaces"."""


@dataclass(frozen=True)
class Machine:
    """``boot`` is empty where the system does not tell it."""

    host: str
    boot: str = ""

    @classmethod
    def this(cls) -> Self:
        """The machine of this process."""
        try:
            boot = _BOOT_ID.read_text().strip()
        except OSError:
            boot = ""
        return cls(socket.gethostname(), boot)

    def shares_with(self, host: str | None, boot: str | None) -> bool:
        """Whether it is, as far as can be told, the machine of that name and boot."""
        return self.host == host or bool(self.boot and self.boot == boot)
