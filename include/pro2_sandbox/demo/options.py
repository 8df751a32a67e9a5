"""The command line of the demo."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pro2_sandbox.demo.approval import Approval
from pro2_sandbox.loader import INCIDENTS

DEFAULT_INCIDENT = "evening-outage"
WITHOUT_AN_API = "export-and-manual"
"""What ``--by-hand`` plays unless an incident is named: the log comes as files, and a person presses."""
EVERYTHING = Approval(all=True)


@dataclass(frozen=True)
class Options:
    """``root`` holds ``dags/`` and gets ``.airflow/demo/``; ``timeout`` is in seconds, for all of it."""

    root: Path
    incident: str = DEFAULT_INCIDENT
    approval: Approval = EVERYTHING
    mode: str = "ask"
    read_only: bool = False
    by_hand: bool = False
    json: Path | None = None
    keep: bool = False
    timeout: float = 600.0

    @property
    def folder(self) -> Path:
        return self.root / ".airflow" / "demo"

    @property
    def incident_path(self) -> Path:
        return incident_file(self.incident)


def incident_file(named: str) -> Path:
    """The file of an incident that is given by path, or by the name of a shipped one."""
    shipped, given = INCIDENTS / f"{named}.yaml", Path(named)
    return shipped if shipped.exists() and not given.exists() else given


def parse(arguments: Sequence[str]) -> Options:
    """Options, or the end of the program with words that say what was wrong."""
    parser = argparse.ArgumentParser(
        prog="scripts/demo",
        description="A stand-in for a Pro2 account with an outage, and a real Airflow that puts things in order.",
    )
    parser.add_argument("--root", type=Path, default=Path.cwd(), help=argparse.SUPPRESS)
    parser.add_argument(
        "--incident",
        metavar="FILE",
        help=f"a YAML file, or a shipped name ({DEFAULT_INCIDENT}; with --by-hand {WITHOUT_AN_API})",
    )
    parser.add_argument(
        "--approve",
        type=_approval,
        default=EVERYTHING,
        metavar="WHAT",
        help="all (default), none, or ids: 103,j-208",
    )
    parser.add_argument(
        "--mode", choices=("plan", "ask", "auto"), default="ask", help="of the started dag run"
    )
    parser.add_argument("--read-only", action="store_true", help="leave the connections read-only")
    parser.add_argument(
        "--by-hand", action="store_true", help="as if there were no API to act: the demo presses as a person"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write items, effects and verdict as JSON")
    parser.add_argument("--keep", action="store_true", help="leave everything running until Ctrl-C")
    parser.add_argument("--timeout", type=float, default=600.0, metavar="SECONDS", help="for all of it (600)")
    given = parser.parse_args(arguments)
    return Options(
        root=given.root.resolve(),
        incident=given.incident or (WITHOUT_AN_API if given.by_hand else DEFAULT_INCIDENT),
        approval=given.approve,
        mode=given.mode,
        read_only=given.read_only,
        by_hand=given.by_hand,
        json=given.json,
        keep=given.keep,
        timeout=given.timeout,
    )


def _approval(text: str) -> Approval:
    try:
        return Approval.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
