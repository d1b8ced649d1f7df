"""`rearguard walks`: the records of the walks, as a table, or exported as JSON lines or CSV."""

import argparse
import csv
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from firmware import walks as records
from firmware.commands.records import kept, settings
from firmware.errors import ConfigError
from firmware.plain_json import plain
from firmware.walks import TEST, Kept, Record, planned

SCHEMA = Path(records.__file__).parent / "schemas" / "record.json"
COLUMNS = (
    ("min", "minutes", "{:.1f}"),
    ("plan", "planned_minutes", "{:g}"),
    ("steps", "steps", "{:.0f}"),
    ("steps/min", "cadence_spm", "{:.0f}"),
    ("m/s", "speed_mps", "{:.2f}"),
    ("sway", "sway_ratio", "{:.2f}"),
)


def walks(args: argparse.Namespace) -> int:
    """0; what cannot be read of the records is told on standard error."""
    since = _since(args.since)
    config = settings(args)
    found = kept(config)
    shown = [record for record in found.records if since is None or date.fromisoformat(record.date) >= since]
    if args.json:
        for body in (*(record.body() for record in shown), *found.newer):
            print(json.dumps(plain(body), allow_nan=False, separators=(",", ":")))  # ASCII: any stream takes it
    elif args.csv:
        write_csv(shown)
    elif not shown:
        print(_none(found, config.paths.state_dir))
    else:
        _, steps = planned(config.plan, found.walks)
        _show(shown, found, dict(zip([walk.id for walk in found.walks if not walk.simulated], steps, strict=True)))
    return 0


def write_csv(shown: Sequence[Record]) -> None:
    """One row a record; the columns are the schema's, in its order, and then what only the records know."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    head = [name for name in schema["properties"] if name != "data"]
    known = [name for kind in schema["allOf"] for name in kind["then"]["properties"]["data"]["properties"]]
    data = list(dict.fromkeys([*known, *(name for record in shown for name in record.data)]))
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow([*head, *data])
    for record in shown:
        body = record.body()
        table.writerow([*(_cell(body[name]) for name in head), *(_cell(record.data.get(name)) for name in data)])


def _since(text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"--since {text!r}: expected a date such as 2026-01-31") from None


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _none(found: Kept, folder: Path) -> str:
    if found.records:
        return "no walk since then"
    return f"no walk in {folder} can be read" if found.complaints or found.newer else f"no walk is kept yet in {folder}"


def _show(shown: Sequence[Record], found: Kept, steps: Mapping[str, Any]) -> None:
    """Numbers count all records, so that they stay the same whatever is left out."""
    numbers = {record.id: number for number, record in enumerate(found.records, 1)}
    rows = [["no.", "date", *(title for title, _, _ in COLUMNS), "warnings", "for the plan"]]
    for record in shown:
        step = steps.get(record.id)
        told = f"{step.verdict}: {step.reason}" if step else "simulated" if record.simulated else ""
        numbered = [str(numbers[record.id]), record.date + ("" if record.day is not None else "?")]
        if record.kind == TEST:
            rows.append([*numbered, *["" for _ in COLUMNS], "", _test(record)])
            continue
        cells = ["-" if (value := record.number(key)) is None else form.format(value) for _, key, form in COLUMNS]
        warned = sum(record.count(key) or 0 for key in ("obstacle_warnings", "sway_warnings"))
        rows.append([*numbered, *cells, str(warned), told])
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]) - 1)]
    for row in rows:
        print("  ".join([*(cell.rjust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip())


def _test(record: Record) -> str:
    duration_s = record.number("duration_s")
    if duration_s is None:
        return f"3-m backward walk test: void, {record.data.get('reason')}"
    return f"3-m backward walk test: {duration_s:.1f} s"
