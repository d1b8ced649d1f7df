"""What hobby projects warn with, as exact and fast models: gpiozero's DistanceSensor, and fixed zones.

Public code that was looked at: 50 files that make a gpiozero `DistanceSensor`, and 11 that buzz on raw readings.
`max_distance` is left at 1 in 39 of the 50, is 2 in 6, 4 in 3, 5 and 13 in one each; `threshold_distance` is given in
7: 0.5 twice, 0.2 twice (the library's own examples), 0.15 twice, 0.6 once; `queue_len` in 2 (5 and 2). The 11 buzz
below 0.1 to 1 m (mortezaPRK/cancer_call, Highsg19101/CanC, jschreib1/Motors, GoSomewhereNice/Blind-assistance,
memcca14/Master-Project, Kushpriya/Arduino and others), a cane of useframi1/smart-cane-obstacle-detection from 2 m on.
They wait 0.1 to 1 s from ping to ping; here they ping every 60 ms, as often as the sensor's guide allows. A parking
beeper with several zones begins to sound at its outermost one, so it is the row of that zone.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Protocol

TRIGGER_S = 10e-6
RISE_S = 0.45e-3  # from the end of the trigger pulse to the echo line's rise
NOTHING_S = 0.038  # so long the line is high without an object
FARTHEST_M = 4.5
AIR_MPS = 343.2  # at 20 °C; what the air really is lies in the echoes of a place


def width_s(echo_m: float | None) -> float:
    """How long an HC-SR04 holds its echo line high."""
    if echo_m is None or echo_m > FARTHEST_M:
        return NOTHING_S
    return 2.0 * max(echo_m, 0.0) / AIR_MPS


class Peer(Protocol):
    """Pings first `first_s` after it was switched on."""

    @property
    def first_s(self) -> float: ...

    def take(self, high_s: float | None) -> bool:
        """Whether it sounds from now on, the echo line having been high so long; None: it never rose."""
        ...

    def next_s(self, ping_s: float, over_s: float) -> float:
        """When it pings again after a ping whose echo was over at `over_s`."""
        ...


class GpiozeroSensor:
    """`gpiozero.DistanceSensor` 2.0, as `gpiozero.input_devices` and `gpiozero.mixins.GPIOQueue` work it out.

    It waits 0.06 s, pings, takes 343.26 m/s for the speed of sound, clips at `max_distance`, drops what failed, and
    tells the median of the last `queue_len`; nothing, unless `partial`, until there are so many. It sounds while that
    is in range, which is what people make of it.
    """

    SPEED_MPS = 343.26
    WAIT_S = 0.06

    def __init__(
        self, max_distance: float = 1, threshold_distance: float = 0.3, *, queue_len: int = 9, partial: bool = False
    ) -> None:
        self._max_m, self._threshold = max_distance, threshold_distance / max_distance
        self._values: deque[float] = deque(maxlen=queue_len)
        self._partial = partial
        self.first_s = self.WAIT_S + TRIGGER_S

    @property
    def distance_m(self) -> float | None:
        """None where gpiozero's own blocks, because its queue was never full; 0 where it is asked all the same."""
        if len(self._values) < (self._values.maxlen or 0) and not self._partial:
            return None
        return median(self._values) * self._max_m if self._values else 0.0

    def take(self, high_s: float | None) -> bool:
        if high_s is not None:
            self._values.append(min(1.0, high_s * self.SPEED_MPS / 2.0 / self._max_m))
        distance_m = self.distance_m
        return distance_m is not None and not distance_m / self._max_m > self._threshold

    def next_s(self, ping_s: float, over_s: float) -> float:
        return over_s + self.WAIT_S + TRIGGER_S


class FixedZone:
    """The last reading, nearer than so far; a reading that failed changes nothing."""

    SPEED_MPS = 343.0
    PERIOD_S = 0.06

    def __init__(self, zone_m: float) -> None:
        self._zone_m = zone_m
        self._sounds = False
        self.first_s = 0.0

    def take(self, high_s: float | None) -> bool:
        if high_s is not None:
            self._sounds = high_s * self.SPEED_MPS / 2.0 < self._zone_m
        return self._sounds

    def next_s(self, ping_s: float, over_s: float) -> float:
        return max(ping_s + self.PERIOD_S, over_s)


@dataclass(frozen=True, slots=True)
class PeerKind:
    """A row of the tables."""

    name: str
    make: Callable[[], Peer]


PEERS: tuple[PeerKind, ...] = (
    PeerKind("gpiozero, its defaults", GpiozeroSensor),
    PeerKind("gpiozero, 2 m, 0.5 m", lambda: GpiozeroSensor(2, 0.5)),
    PeerKind("gpiozero, 4 m, 1.0 m", lambda: GpiozeroSensor(4, 1.0)),
    PeerKind("fixed zone 0.5 m", lambda: FixedZone(0.5)),
    PeerKind("fixed zone 1 m", lambda: FixedZone(1.0)),
    PeerKind("fixed zone 2 m", lambda: FixedZone(2.0)),
)
