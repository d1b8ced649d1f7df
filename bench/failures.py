"""How soon each failure of each part is heard: `python -m bench.failures [--json] [--quick]`.

The default walk in simulated time, with one part failing from 6 s on. Seconds to the fault pattern, from the moment at
which the failure can be noticed: at once for the sensors; when it first has something to play for an output; at the
walker's next press for a button that is slow or late. None: not heard at all.
"""

import argparse
import json
import tempfile
from pathlib import Path

from firmware.config import Config
from firmware.core.messages import Pattern, SetPattern
from firmware.virtual import VirtualDevice
from hal.samples import PARTS
from hal.sim.faults import DEFAULT_START_S, WORDS, Fault
from hal.sim.world.scenarios import scenario

UNTIL_S = 13.0
PRESS_S = 11.0
QUICK_WORDS = ("off", "stuck")


def heard_after_s(word: str, part: str) -> float | None:
    """From the moment at which it can be noticed to the fault pattern."""
    with tempfile.TemporaryDirectory() as folder:
        device = VirtualDevice(Config(), scenario("walk"), Path(folder), faults=[Fault(word, part)])
        device.run_until(UNTIL_S)
        patterns = [output for output in device.log.take_all() if isinstance(output, SetPattern)]
        device.end()
    after = [output for output in patterns if output.t_ns >= DEFAULT_START_S * 1e9]
    noticeable_s = DEFAULT_START_S
    if part in ("buzzer", "motor"):
        noticeable_s = after[0].t_ns / 1e9
    elif part == "button" and word in ("slow", "delayed"):
        noticeable_s = PRESS_S
    heard = next((output.t_ns / 1e9 for output in after if output.pattern is Pattern.FAULT), None)
    return None if heard is None else round(heard - noticeable_s, 2)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.failures", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--quick", action="store_true", help="two of the seven words")
    args = parser.parse_args()
    words = QUICK_WORDS if args.quick else tuple(word for word in WORDS if word != "ok")
    table = {part: {word: heard_after_s(word, part) for word in words} for part in PARTS}
    if args.json:
        print(json.dumps(table))
        return 0
    print(f"{'seconds':12}" + "".join(f"{word:>14}" for word in words))
    for part, row in table.items():
        print(f"{part:12}" + "".join(f"{row[word]!s:>14}" for word in words))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
