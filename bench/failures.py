"""How soon each failure of each part is heard: `python -m bench.failures [--json] [--moments N] [--quick]`.

Walks in simulated time in which one part begins to fail at a random moment; N moments for each failure of each part.
Seconds from the moment at which the failure can be noticed to the fault pattern: for a sensor that is when it bites
first; for an output when it first has something to play, and to the fault's alert, because a warning that is playing
comes first; for a button that is slow or late from the walker's next press.
"""

import argparse
import json
import math
import random
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from firmware.config import Config
from firmware.core.messages import Alert, Output, Pattern, SetPattern, Severity
from firmware.virtual import VirtualDevice
from hal.samples import PARTS
from hal.sim.faults import WORDS, Fault
from hal.sim.world.scenarios import scenario

MOMENTS = 20
FAILURES = [(word, part) for part in PARTS for word in WORDS if word != "ok"]
OUTPUTS = ("buzzer", "motor")
NOTICED_BY_A_PRESS = [("slow", "button"), ("delayed", "button")]
PRESS_S = 11.0  # of the walk "walk"
FOLLOWED_S = 4.0

LIMITS_S: dict[tuple[str, str], float] = {
    ("off", "imu"): 0.3,
    ("stuck", "imu"): 0.4,
    ("garbage", "imu"): 0.3,
    ("wrong", "imu"): 1.3,
    ("slow", "imu"): 0.3,
    ("delayed", "imu"): 0.3,
    ("intermittent", "imu"): 0.3,
    ("off", "rangefinder"): 0.15,
    ("stuck", "rangefinder"): 0.15,
    ("garbage", "rangefinder"): 1.0,
    ("wrong", "rangefinder"): 1.5,
    ("slow", "rangefinder"): 0.15,
    ("delayed", "rangefinder"): 0.2,
    ("intermittent", "rangefinder"): 0.2,
    **{(word, "button"): 1.0 for word in WORDS if word != "ok"},
    **{(word, part): 1.0 for part in OUTPUTS for word in WORDS if word != "ok"},
    ("slow", "buzzer"): 1.5,  # it sounds meanwhile, late by 80 ms
    **{("intermittent", part): 1.5 for part in OUTPUTS},  # written twice a second in a caution, it may do just then
}
"""What is promised for each failure."""


def moments(word: str, part: str, count: int) -> list[float]:
    """When it begins: at random, but the same in every run."""
    generator = random.Random(f"{word}:{part}")
    first_s, last_s = (6.0, PRESS_S - 0.1) if _in_use(word, part) else (6.0, 12.0)
    return [round(generator.uniform(first_s, last_s), 4) for _ in range(count)]


def heard_after_s(word: str, part: str, start_s: float) -> float | None:
    """From the moment at which it can be noticed to the fault pattern; None: not heard within 4 s of it."""
    fault = Fault(word, part, start_s)
    world = scenario("walk" if _in_use(word, part) else "quiet")
    until_s = max(start_s, PRESS_S) + FOLLOWED_S if _in_use(word, part) else start_s + FOLLOWED_S
    with tempfile.TemporaryDirectory() as folder:
        device = VirtualDevice(Config(), world, Path(folder), faults=[fault])
        device.run_until(until_s)
        outputs = device.log.take_all()
        device.end()
    noticeable_s = _noticeable_s(fault, [output for output in outputs if isinstance(output, SetPattern)])
    told_s = (output.t_ns / 1e9 for output in outputs if _tells(output, part))
    heard_s = next((t_s for t_s in told_s if t_s >= start_s), None)
    return None if heard_s is None else round(max(heard_s - noticeable_s, 0.0), 3)


def measured(count: int, failures: Sequence[tuple[str, str]] = FAILURES) -> dict[tuple[str, str], list[float | None]]:
    """Every failure at `count` moments, on all processors."""
    tasks = [(word, part, start_s) for word, part in failures for start_s in moments(word, part, count)]
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        found = list(pool.map(heard_after_s, *zip(*tasks, strict=True), chunksize=10))
    return {failure: found[i * count : (i + 1) * count] for i, failure in enumerate(failures)}


def worst(reactions: Sequence[float | None]) -> float:
    return max(math.inf if heard_s is None else heard_s for heard_s in reactions)


def _in_use(word: str, part: str) -> bool:
    """Whether it is noticed only when the part is used, which the walk "walk" does."""
    return part in OUTPUTS or (word, part) in NOTICED_BY_A_PRESS


def _tells(output: Output, part: str) -> bool:
    if part in OUTPUTS:
        return isinstance(output, Alert) and output.severity is Severity.FAULT and output.data.get("part") == part
    return isinstance(output, SetPattern) and output.pattern is Pattern.FAULT


def _noticeable_s(fault: Fault, patterns: Sequence[SetPattern]) -> float:
    if (fault.word, fault.part) in NOTICED_BY_A_PRESS:
        return PRESS_S
    bites_s = next(s for s in (fault.start_s + i / 1000 for i in range(2000)) if fault.active(s))
    if fault.part not in OUTPUTS:
        return bites_s
    before = [output.pattern for output in patterns if output.t_ns < bites_s * 1e9]
    if before and before[-1] is not Pattern.SILENT:
        return bites_s
    played_s = (output.t_ns / 1e9 for output in patterns if output.pattern is not Pattern.SILENT)
    return next((t_s for t_s in played_s if t_s >= bites_s), bites_s)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.failures", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object: part, word, seconds at each moment")
    parser.add_argument("--moments", type=int, default=MOMENTS, help=f"for each failure of each part ({MOMENTS})")
    parser.add_argument("--quick", action="store_true", help="two moments")
    args = parser.parse_args()
    found = measured(2 if args.quick else args.moments)
    if args.json:
        table = {part: {w: found[w, p] for w, p in FAILURES if p == part} for part in PARTS}
        print(json.dumps(table))
        return 0
    words = [word for word in WORDS if word != "ok"]
    late = [failure for failure in FAILURES if worst(found[failure]) > LIMITS_S[failure]]
    print(f"{'worst, s':12}" + "".join(f"{word:>14}" for word in words))
    for part in PARTS:
        print(f"{part:12}" + "".join(f"{worst(found[word, part]):14.3f}" for word in words))
    total = sum(map(len, found.values()))
    print(f"{total} failures, {total - sum(None in row for row in found.values())} heard; ", end="")
    print(f"over their limit: {', '.join(f'{word}:{part}' for word, part in late) or 'none'}")
    return 1 if late else 0


if __name__ == "__main__":
    raise SystemExit(main())
