"""`rearguard gait`: our steps and cadence on a recording beside an established gait library's. For the desk."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from importlib.util import find_spec
from typing import TYPE_CHECKING

from firmware.errors import MissingExtra, how_to_add
from firmware.recording import read
from hal.samples import ImuSample

if TYPE_CHECKING:
    from firmware.reports.gait import Gait, Row

OK, FAILURE = 0, 1


def gait(args: argparse.Namespace) -> int:
    """0 when there were steps to compare, 1 when there were none."""
    if find_spec("numpy") is None:
        raise MissingExtra(f"gait needs numpy and scikit-digital-health; {how_to_add('gait')}")
    recording = read(args.recording)
    if not recording.complete:
        print(f"rearguard: {recording.path}: is cut off or damaged; looked at up to there", file=sys.stderr)
    from firmware.reports.gait import compare

    rows = compare([record for record in recording.records if isinstance(record, ImuSample)])
    if args.json:
        print(json.dumps({"v": 1, "rows": [asdict(row) for row in rows]}))
    else:
        _show(rows)
    return OK if rows else FAILURE


def _show(rows: Sequence["Row"]) -> None:
    if not rows:
        print("no row of steps of 8 s or more in this recording")
        return
    print("from s  to s    steps  steps/min  step SD ms    the same by scikit-digital-health")
    for row in rows:
        print(f"{row.from_s:6.1f}  {row.to_s:6.1f}  {_told(row.ours)}    {_told(row.theirs)}")
    print("the library was validated on walking forward; where the two differ, neither is the truth")


def _told(gait: "Gait") -> str:
    cadence = "-" if gait.cadence_spm is None else f"{gait.cadence_spm:.1f}"
    spread = "-" if gait.step_time_sd_ms is None else f"{gait.step_time_sd_ms:.0f}"
    return f"{gait.steps:5}  {cadence:>9}  {spread:>10}"
