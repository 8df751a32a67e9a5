"""From the command line to an exit code: 0 as the incident says, 1 not so, 2 for a mistake in the command."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import requests

from pro2_sandbox.demo.options import parse
from pro2_sandbox.demo.stopwatch import Stopwatch, TooLate
from pro2_sandbox.demo.story import play
from pro2_sandbox.loader import IncidentError
from pro2_sandbox.local.processes import LocalRunError, signals_exit
from pro2_sandbox.local.wire import AirflowApiError


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(sys.argv[1:] if arguments is None else arguments)
    watch = Stopwatch(options.timeout)
    try:
        with signals_exit():
            return 0 if play(options, watch) else 1
    except (AirflowApiError, IncidentError, LocalRunError, TooLate, requests.RequestException) as error:
        print(f"\nerror after {watch.elapsed:.0f} s: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            f"\nStopped after {watch.elapsed:.0f} s; everything that was started has ended", file=sys.stderr
        )
        return 130
