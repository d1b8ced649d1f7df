"""Whether an alert can be lost, forged or delayed: `python -m bench.alerts [--quick] [--json] [--only NAME ...]`.

From the guard's decision to the caregiver's first client, over a real Mosquitto on this machine: processes killed at
random instants, the power cut at any write, brokers that die or forget, a day without one, a network that fails in
every way, how soon it is told, the guard's loop meanwhile, and hostile input. Beside each figure stands what others do,
or a control that has to fail, measured in the same run.
"""

import argparse
import json
import subprocess
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from bench import _alerts_away as away
from bench import _alerts_ext4 as ext4
from bench import _alerts_fuzz as fuzz
from bench import _alerts_kills as kills
from bench import _alerts_latency as latency
from bench import _alerts_line as line
from bench import _alerts_loop as loop
from bench import _alerts_power as power
from bench._alerts_broker import BINARY, MISSING

CONTROLS_CAUGHT = 0.95
TOLD_MS, AFTER_IMPACT_MS, DRAINED_S = 50.0, 1100.0, 60.0
RATE, LATENESS = 0.01, 1.1


@dataclass(frozen=True, slots=True)
class Row:
    """One bar. `met` None: it did not run, and `ours` says why."""

    what: str
    others: str
    ours: str
    bar: str
    met: bool | None
    figures: dict[str, Any] = field(default_factory=dict)


def killed(quick: bool) -> list[Row]:
    found, trials = kills.measured(15 if quick else 1000), 2 if quick else 10
    queue = away.queue_lost(trials)
    well = found["lost"] == found["doubled"] == 0 and found["in_order"]
    ours = f"{found['lost']} of {found['decided']} lost, {found['doubled']} doubled, order {_yes(found['in_order'])}"
    others = f"paho's queue: {queue} of {trials} lost"
    return [
        Row(f"SIGKILL, {sum(found['kills'].values())} instants", others, ours, "0 lost, once, in order", well, found)
    ]


def cut(quick: bool) -> list[Row]:
    count = 2_000 if quick else 100_000
    found = power.measured(count, "full")
    unsynced, normal = (power.measured(max(count // 20, 500), kind) for kind in ("no sync", "normal"))
    caught = unsynced["broken"] / unsynced["trials"]
    others = f"no sync: {caught:.1%} caught; NORMAL: {normal['broken']} of {normal['trials']} broken"
    ours = f"{found['broken']} of {found['trials']} broken"
    met = found["broken"] == 0 and caught >= CONTROLS_CAUGHT and normal["broken"] > 0
    figures = {"full": found, "no sync": unsynced, "normal": normal}
    return [Row("power cut, sectors", others, ours, "0; control 95 %", met, figures), _cut_ext4(10 if quick else 50)]


def _cut_ext4(count: int) -> Row:
    bar, what = "0 lost", "power cut, ext4"
    reason = ext4.why_not()
    if reason:
        return Row(what, "", f"did not run: {reason}", bar, None)
    found, normal = ext4.measured(count), ext4.measured(count, normal=True)
    others = f"NORMAL: {normal['broken']} of {normal['cuts']} lost, up to {normal['most_events_lost']} events"
    met = found["broken"] == 0 and normal["broken"] > 0
    return Row(what, others, f"{found['broken']} of {found['cuts']} lost", bar, met, {"full": found, "normal": normal})


def brokers(quick: bool) -> list[Row]:
    rows = []
    for way, cells in away.measured(1 if quick else 20).items():
        of = cells["trials"]
        others, ours = (_cells(cells, whose) for whose in ("theirs", "ours"))
        met = all(lost == 0 for name, lost in cells.items() if name.startswith("ours"))
        rows.append(Row(f"broker: {way}", f"{others} of {of} lost", f"{ours} of {of} lost", "0 lost", met, cells))
    return rows


def _cells(cells: dict[str, int], whose: str) -> str:
    """Lost with the broker's defaults and as shipped."""
    return " / ".join(str(lost) for name, lost in cells.items() if name.startswith(whose))


def offline(quick: bool) -> list[Row]:
    found = away.offline(*((2, 250) if quick else (24, 3000)))
    ours = f"{found['lost']} lost, falls first {_yes(found['falls_first'])}, drained in {found['drained_s']} s"
    met = found["lost"] == found["doubled"] == 0 and found["falls_first"] and found["in_order"]
    what = f"{found['hours']} h offline, {found['events']} events"
    return [Row(what, "", ours, "0 lost, falls first, <= 60 s", met and found["drained_s"] <= DRAINED_S, found)]


def network(quick: bool) -> list[Row]:
    found = line.through_chaos(*((10, 40) if quick else (150, 600)))
    wrong = found["lost"] + found["doubled"] + found["changed"]
    ours = f"{found['lost']} of {found['events']} lost, {found['doubled']} doubled, {found['changed']} changed"
    what = f"network, {sum(found['troubles'].values())} troubles"
    return [Row(what, "", ours, "0 lost, once, in order", not wrong and found["in_order"], found)]


def sooner(quick: bool) -> list[Row]:
    found = latency.measured(*((3, 60) if quick else (15, 1000)))
    told, whole = found["queue_to_subscriber_p99_ms"], found["impact_to_subscriber_p99_ms"]
    note = f"(load {found['load']} a processor)"
    return [
        Row("journal to subscriber, p99", "", f"{told} ms {note}", f"<= {TOLD_MS:g} ms", told <= TOLD_MS, found),
        Row(
            *("impact to subscriber, p99", "watches: 60-90 s", f"{whole} ms {note}", f"<= {AFTER_IMPACT_MS:g} ms"),
            whole <= AFTER_IMPACT_MS,
        ),
    ]


def sensing(quick: bool) -> list[Row]:
    rows = []
    for condition, run in loop.measured(*((1, 2.0) if quick else (5, 10.0))).items():
        others = "" if condition == "calm" else "calm: 1"
        ours = f"rate x {run['rate_ratio']}, lateness x {run['late_ratio']} ({run['late_p99_ms']} ms)"
        met = abs(run["rate_ratio"] - 1) <= RATE and run["late_ratio"] <= LATENESS
        rows.append(Row(f"guard's loop, {condition}", others, ours, "rate 1 %, lateness x 1.1", met, run))
    return rows


def nasty(quick: bool) -> list[Row]:
    rows = []
    for name in fuzz.FUZZERS:
        found = fuzz.measured(name, 3_000 if quick else 10**6, 3_000)
        soon = found["seeded_bugs_found_after"]
        missed = [bug for bug, after in soon.items() if after is None]
        others = f"{len(soon) - len(missed)} of {len(soon)} seeded bugs found, the last after {_latest(soon)}"
        ours = f"{len(found['broken'])} broken of {found['inputs']}"
        rows.append(Row(f"fuzzing: {name}", others, ours, "0 broken", not found["broken"] and not missed, found))
    return rows


def _latest(soon: dict[str, int | None]) -> int:
    return max((after for after in soon.values() if after is not None), default=0)


BARS: dict[str, Callable[[bool], list[Row]]] = {
    "kills": killed,
    "power": cut,
    "brokers": brokers,
    "offline": offline,
    "network": network,
    "latency": sooner,
    "loop": sensing,
    "fuzzing": nasty,
}
WITHOUT_A_BROKER = ("power", "fuzzing")


def measured(names: list[str], quick: bool, say: Callable[[Row], None]) -> list[Row]:
    """Every row, each told as soon as it is known."""
    rows: list[Row] = []
    for name in names:
        began_s = time.monotonic()
        if BINARY is None and name not in WITHOUT_A_BROKER:
            found = [Row(name, "", f"did not run: {MISSING}", "", None)]
        else:
            try:
                found = BARS[name](quick)
            except (OSError, RuntimeError, subprocess.SubprocessError) as error:
                found = [Row(name, "", f"did not come to an end: {error}", "", False)]
        took_s = round(time.monotonic() - began_s, 1)
        for row in found:
            row.figures.setdefault("bar_took_s", took_s)
            say(row)
        rows += found
    return rows


def _yes(well: bool) -> str:
    return "kept" if well else "BROKEN"


def _print(row: Row) -> None:
    met = {True: "met", False: "NOT MET", None: "-"}[row.met]
    print(f"{row.what:38} {row.others:58} {row.ours:58} {row.bar:30} {met}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.alerts", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object a row")
    parser.add_argument("--quick", action="store_true", help="few of everything: whether it works, not how well")
    parser.add_argument("--only", nargs="+", choices=BARS, default=list(BARS), metavar="NAME", help=", ".join(BARS))
    args = parser.parse_args()
    if not args.json:
        print(f"{'what':38} {'others, or what has to fail':58} {'ours':58} {'bar':30}")
    rows = measured(args.only, args.quick, (lambda _: None) if args.json else _print)
    if args.json:
        print(json.dumps([asdict(row) for row in rows]))
    return 1 if any(row.met is False for row in rows) else 0


if __name__ == "__main__":
    raise SystemExit(main())
