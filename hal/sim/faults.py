"""How a simulated part can fail: one word and one part, such as `stuck:imu`. Each word bites below the driver.

Whatever is random is seeded with the fault's own name, so the same fault gives the same run. `ok` never bites; what
the other words do to each part:

imu:
    off: does not answer its address
    stuck: gives the same FIFO words for ever
    garbage: gives random bytes
    wrong: lost its settings: back at its power-on ranges
    slow: makes a tenth of the samples
    delayed: takes 0.2 s for each transfer
    intermittent: does not answer for spells of 0.2 to 0.6 s
rangefinder and low_rangefinder:
    off: the echo line never rises
    stuck: the echo line stays high
    garbage: the echo line rises at random times for random lengths, impossible ones among them
    wrong: covered: the echo is shorter than the model can measure
    slow: the echo comes 0.1 s late, after the time-out
    delayed: the echo comes 20 ms late
    intermittent: the echo line does not rise for spells of 0.2 to 0.6 s
rangefinder, when it is an i2cxl:
    off: does not answer its address
    stuck: answers with its last range, without measuring
    garbage: gives random bytes
    wrong: the first bit is set: a stretched clock was not waited for
    slow: takes 0.3 s longer to measure
    delayed: takes 60 ms for each transfer
    intermittent: does not answer for spells of 0.2 to 0.6 s
button:
    off: unplugged: both contacts are open
    stuck: the normally open contact is welded shut
    garbage: a loose plug: both wires at random levels
    wrong: the two wires are shorted to each other and to ground
    slow: the lever takes 0.5 s from one contact to the other (felt at a press)
    delayed: the normally open contact's wire follows 0.2 s late (felt at a press)
    intermittent: unplugged for spells of 0.2 to 0.6 s
power (the battery's gauge; a board that is told of no gauge has one for its fault):
    off: does not answer its address
    stuck: measures nothing any more; a MAX17048 goes on giving the same numbers, an INA219 says so
    garbage: gives random bytes
    wrong: was reset: back at its power-on settings
    slow: takes 80 ms for each transfer
    delayed: takes 0.2 s for each transfer
    intermittent: does not answer for spells of 0.2 to 0.6 s
buzzer, motor, led and airbag (of a pad that PWM hardware drives nobody sees more than whether it can be written):
    off: a write raises an error
    stuck: the pad keeps its level
    garbage: the pad takes random levels
    wrong: the pad is inverted
    slow: a write takes 80 ms
    delayed: the pad follows 0.2 s late
    intermittent: a write raises an error for spells of 0.2 to 0.6 s
"""

import math
import random
from dataclasses import dataclass
from functools import lru_cache

from hal.samples import OPTIONAL_PARTS, PARTS

WORDS = ("ok", "off", "stuck", "garbage", "wrong", "slow", "delayed", "intermittent")

MAY_FAIL = (*PARTS, *OPTIONAL_PARTS)

DEFAULT_START_S = 6.0  # the walk is under way by then


@dataclass(frozen=True, slots=True)
class Fault:
    """One part failing in one way from `start_s` until `end_s`, both in the world's time."""

    word: str
    part: str
    start_s: float = DEFAULT_START_S
    end_s: float = math.inf

    def __post_init__(self) -> None:
        if self.word not in WORDS:
            raise ValueError(f"fault: no word {self.word!r}; the words are {', '.join(WORDS)}")
        if self.part not in MAY_FAIL:
            raise ValueError(f"fault: no part {self.part!r}; the parts are {', '.join(MAY_FAIL)}")
        if not 0 <= self.start_s < self.end_s:
            raise ValueError(
                f"fault {self.word}:{self.part}: starts at {self.start_s:g} s and ends at {self.end_s:g} s; "
                "it must start at 0 s or later and before it ends"
            )

    def active(self, t_s: float) -> bool:
        """Whether it bites at `t_s`. An intermittent fault bites in one spell of 0.2 to 0.6 s in each second."""
        if self.word == "ok" or not self.start_s <= t_s < self.end_s:
            return False
        if self.word != "intermittent":
            return True
        second, within_s = divmod(t_s - self.start_s, 1.0)
        from_s, to_s = _spell(self.part, int(second))
        return from_s <= within_s < to_s

    def random(self) -> random.Random:
        """A new generator, seeded with the fault's name."""
        return random.Random(f"{self.word}:{self.part}")


@lru_cache(maxsize=256)
def _spell(part: str, second: int) -> tuple[float, float]:
    generator = random.Random(f"{part}:{second}")
    length_s = generator.uniform(0.2, 0.6)
    from_s = generator.uniform(0.0, 1.0 - length_s)
    return from_s, from_s + length_s


def fault_of(part: str, faults: tuple[Fault, ...]) -> Fault:
    """The fault that `part` has, or one that never bites.

    Raises:
        ValueError: two faults name the same part.
    """
    own = [fault for fault in faults if fault.part == part]
    if len(own) > 1:
        raise ValueError(f"fault: {part} is named {len(own)} times; a part fails in one way at a time")
    return own[0] if own else Fault("ok", part)


def parse_fault(text: str) -> Fault:
    """Read `WORD:PART`, `WORD:PART@START` or `WORD:PART@START-END`, in seconds of the world's time.

    Raises:
        ValueError: naming what is not understood, and what would be.
    """
    what, at, when = text.partition("@")
    word, colon, part = what.partition(":")
    if not colon:
        raise ValueError(
            f"fault {text!r}: expected WORD:PART, for example stuck:imu or stuck:imu@8; "
            f"the words are {', '.join(WORDS)}; the parts are {', '.join(MAY_FAIL)}"
        )
    if not at:
        return Fault(word, part)
    start, dash, end = when.partition("-")
    return Fault(word, part, _seconds(text, start), _seconds(text, end) if dash else math.inf)


def _seconds(text: str, number: str) -> float:
    try:
        seconds = float(number)
    except ValueError:
        seconds = math.nan
    if not math.isfinite(seconds):
        raise ValueError(f"fault {text!r}: {number!r} is not a number of seconds; expected for example stuck:imu@8-12")
    return seconds
