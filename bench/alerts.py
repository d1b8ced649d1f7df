"""Whether an alert can be lost, forged or delayed: `python -m bench.alerts [--quick] [--json] [--only NAME ...]`.

From the guard's decision to the caregiver's first client, over a real Mosquitto on this machine: processes killed at
random instants, the power cut at any write, brokers that die or forget, a day without one, a network that fails in
every way, how soon it is told, the guard's loop meanwhile, and hostile input. Beside each figure stands what others do,
or a control that has to fail, measured in the same run.
"""

import argparse
import functools
import json
import logging
import textwrap
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from bench import _alerts_away as away
from bench import _alerts_ext4 as ext4
from bench import _alerts_falls as falls
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
ONCE = "0 lost, each once, in order"
WIDTH, INDENT = 100, 9


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of a bar. `met` None: it did not run, and `ours` says why."""

    what: str
    others: str
    ours: str
    bar: str
    met: bool | None
    figures: dict[str, Any] = field(default_factory=dict)


def killed(quick: bool) -> list[Row]:
    trials = 2 if quick else 10
    queue, found = away.queue_lost(trials), kills.measured(15 if quick else 1000)
    what = f"SIGKILL of any process or all, a guard without sensors, {_count(found['kills'])} instants"
    return [Row(what, f"paho's queue: {queue} of {trials} lost", _kept(found), ONCE, _all_well(found), found)]


def killed_whole(quick: bool) -> list[Row]:
    trials = 2 if quick else 50
    found = falls.measured(trials)
    what = f"SIGKILL of any process or all of a whole device, {trials} falls, {_count(found['kills'])} instants"
    ours = f"{_kept(found)}, {found['stuck']} alarms did not go on"
    missed = found["without a fall"]
    ours += f"; {missed} of these falls NOT SENSED, the machine is too busy" if missed else ""
    met = _all_well(found) and not found["stuck"] and not missed
    return [Row(what, "", ours, f"{ONCE}; the alarm goes on", met, found)]


def _all_well(found: dict[str, Any]) -> bool:
    return bool(found["lost"] == found["doubled"] == 0 and found["in_order"])


def _kept(found: dict[str, Any]) -> str:
    order = "kept" if found["in_order"] else "BROKEN"
    return f"{found['lost']} of {found['decided']} lost, {found['doubled']} doubled, order {order}"


def _count(kinds: dict[str, int]) -> int:
    return sum(kinds.values())


def cut(quick: bool) -> list[Row]:
    count = 2_000 if quick else 100_000
    found = power.measured(count, "full")
    unsynced, normal = (power.measured(max(count // 20, 500), kind) for kind in ("no sync", "normal"))
    caught = unsynced["broken"] / unsynced["trials"]
    others = f"no sync: {caught:.1%} caught; NORMAL: {normal['broken']} of {normal['trials']} broken"
    ours = f"{found['broken']} of {found['trials']} broken"
    met = found["broken"] == 0 and caught >= CONTROLS_CAUGHT and normal["broken"] > 0
    figures = {"full": found, "no sync": unsynced, "normal": normal}
    bar = f"0 broken, the control caught in {CONTROLS_CAUGHT:.0%}"
    return [Row("power cut, sectors reordered and torn", others, ours, bar, met, figures)]


def cut_ext4(quick: bool) -> list[Row]:
    bar, what, count = "0 lost", "power cut of an ext4 image", 10 if quick else 50
    reason = ext4.why_not()
    if reason:
        return [not_run(what, reason)]
    found, normal = ext4.measured(count), ext4.measured(count, normal=True)
    others = f"NORMAL: {normal['broken']} of {normal['cuts']} lost, up to {normal['most_events_lost']} events"
    met = found["broken"] == 0 and normal["broken"] > 0
    figures = {"full": found, "normal": normal}
    return [Row(what, others, f"{found['broken']} of {found['cuts']} lost", bar, met, figures)]


def broker(way: str, quick: bool) -> list[Row]:
    cells = away.measured(way, 1 if quick else 5 if "heartbeats" in way else 20)
    others, ours = (_cells(cells, whose) for whose in ("theirs", "ours"))
    met = all(lost == 0 for name, lost in cells.items() if name.startswith("ours"))
    return [Row(f"broker: {way}", f"who believes a PUBACK {others}", ours, "0 lost", met, cells)]


def _cells(cells: dict[str, int], whose: str) -> str:
    """Lost with the broker's defaults and as shipped."""
    lost = [f"{lost} ({name.removeprefix(f'{whose}, ')})" for name, lost in cells.items() if name.startswith(whose)]
    return f"{', '.join(lost)} of {cells['trials']} lost"


def offline(quick: bool) -> list[Row]:
    found = away.offline(*((2, 250) if quick else (24, 3000)))
    first = "falls first" if found["falls_first"] else "FALLS NOT FIRST"
    order = "in order" if found["in_order"] else "NOT IN ORDER"
    ours = f"{found['lost']} lost, {found['doubled']} doubled, {first}, {order}, drained in {found['drained_s']} s"
    met = _all_well(found) and found["falls_first"] and found["drained_s"] <= DRAINED_S
    what = f"{found['hours']} h offline, {found['events']} events, {found['falls']} of them falls"
    return [Row(what, "", ours, f"{ONCE}, falls first, within {DRAINED_S:g} s", met, found)]


def network(quick: bool) -> list[Row]:
    found = line.through_chaos(*((10, 40) if quick else (150, 600)))
    ours = f"{_kept({**found, 'decided': found['events']})}, {found['changed']} changed"
    what = f"network with TLS, {_count(found['troubles'])} troubles"
    return [Row(what, "", ours, f"{ONCE}, none changed", _all_well(found) and not found["changed"], found)]


def sooner(quick: bool) -> list[Row]:
    found = latency.measured(*((3, 60) if quick else (15, 1000)))
    told, whole = found["queue_to_subscriber_p99_ms"], found["impact_to_subscriber_p99_ms"]
    note = f"(load of this machine: {found['load']} a processor)"
    queue = f"journal to subscriber, p99 of {found['events']} events"
    impact = f"impact to subscriber, p99 of {found['falls']} falls"
    return [
        Row(queue, "", f"{told} ms {note}", f"<= {TOLD_MS:g} ms", told <= TOLD_MS, found),
        Row(impact, "watches: 60-90 s", f"{whole} ms {note}", f"<= {AFTER_IMPACT_MS:g} ms", whole <= AFTER_IMPACT_MS),
    ]


def sensing(quick: bool) -> list[Row]:
    rows, bar = [], f"rate within {RATE:.0%}, lateness x {LATENESS}"
    found = loop.measured(*((1, 2.0) if quick else (5, 10.0)))
    for condition in loop.CONDITIONS:
        what = f"guard's loop, {condition}"
        if reason := loop.why_not(condition):
            rows.append(not_run(what, reason))
            continue
        run = found[condition]
        ours = f"rate x {run['rate_ratio']}, p99 of lateness x {run['late_ratio']} ({run['late_p99_ms']} ms)"
        ours += f", {run['commands']} commands" if run["commands"] else ""
        met = abs(run["rate_ratio"] - 1) <= RATE and run["late_ratio"] <= LATENESS
        rows.append(Row(what, "" if condition == "calm" else "calm: 1", ours, bar, met, run))
    return rows


def nasty(name: str, quick: bool) -> list[Row]:
    found = fuzz.measured(name, 3_000 if quick else 10**6, 3_000)
    soon = found["seeded_bugs_found_after"]
    hits = [after for after in soon.values() if after is not None]
    others = f"{len(hits)} of {len(soon)} seeded bugs found, the last after {max(hits, default=0)}"
    ours = f"{len(found['broken'])} broken of {found['inputs']}"
    met = not found["broken"] and len(hits) == len(soon)
    return [Row(f"fuzzing: {name}", others, ours, "0 broken, each seeded bug found", met, found)]


Part = Callable[[bool], list[Row]]
BARS: dict[str, tuple[Part, ...]] = {
    "kills": (killed, killed_whole),
    "power": (cut, cut_ext4),
    "brokers": tuple(functools.partial(broker, way) for way in away.WAYS),
    "offline": (offline,),
    "network": (network,),
    "latency": (sooner,),
    "loop": (sensing,),
    "fuzzing": tuple(functools.partial(nasty, name) for name in fuzz.FUZZERS),
}
WITHOUT_A_BROKER = ("power", "fuzzing")


def measured(names: list[str], quick: bool, say: Callable[[Row], None]) -> list[Row]:
    """Every row, each told as soon as it is known; what fails keeps nothing else from being measured."""
    rows: list[Row] = []
    for name in names:
        if BINARY is None and name not in WITHOUT_A_BROKER:
            rows.append(not_run(name, MISSING))
            say(rows[-1])
            continue
        for part in BARS[name]:
            began_s = time.monotonic()
            found = _tried(name, part, quick)
            for row in found:
                row.figures.setdefault("took_s", round(time.monotonic() - began_s, 1))
                say(row)
            rows += found
    return rows


def _tried(name: str, part: Part, quick: bool) -> list[Row]:
    try:
        return part(quick)
    except Exception as error:  # noqa: BLE001 - one bar that fails must not lose hours of others
        traceback.print_exc()
        return [Row(name, "", f"did not come to an end: {type(error).__name__}: {error}", "", False)]


def not_run(what: str, reason: str) -> Row:
    return Row(what, "", f"did not run: {reason}", "", None)


def as_text(row: Row) -> str:
    """What was found, the bar, and what stands beside it, each on lines of its own."""
    met = {True: "met", False: "NOT MET", None: "not run"}[row.met]
    lines = [f"{row.what}: {row.ours}", row.bar and f"bar: {row.bar}", row.others and f"beside it: {row.others}"]
    wrapped = [part for line in lines for part in textwrap.wrap(line, WIDTH - INDENT, subsequent_indent="  ")]
    return "\n".join(f"{'' if number else met:{INDENT}}{part}" for number, part in enumerate(wrapped))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.alerts", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object a row")
    parser.add_argument("--quick", action="store_true", help="few of everything: whether it works, not how well")
    parser.add_argument("--only", nargs="+", choices=BARS, default=list(BARS), metavar="NAME", help=", ".join(BARS))
    args = parser.parse_args()
    logging.disable(logging.ERROR)  # that connections are lost is what is measured here

    def say(row: Row) -> None:
        print(json.dumps(asdict(row)) if args.json else as_text(row), flush=True)

    return 1 if any(row.met is False for row in measured(args.only, args.quick, say)) else 0


if __name__ == "__main__":
    raise SystemExit(main())
