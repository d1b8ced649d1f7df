"""What ultrasonic sensors share: the speed of sound, and the air, in which only one may ping at a time."""

import math
import threading

from hal.clock import Clock

ZERO_CELSIUS_K = 273.15
SPEED_AT_ZERO_MPS = 331.3


def speed_of_sound_mps(temperature_c: float) -> float:
    """In dry air at `temperature_c`; a fixed 343 m/s would read 3.6 % too far at 0 °C.

    Error: within 0.05 % in dry air from -20 to 50 °C. Damp air is faster, saturated by 0.1 % at 0 °C, 0.4 % at 20 °C
    and 0.7 % at 30 °C: things look that much nearer, 16 mm of 4 m at 20 °C. Each degree that `temperature_c` is wrong
    costs 0.17 %. (331.3 + 0.606 T, used often, is up to 0.34 % too fast above 20 °C, which looks too far.)

    Sources: ideal gas, c = sqrt(gamma R T / M), 331.3 m/s at 0 °C; compared with Cramer (1993), J. Acoust. Soc. Am.
    93, 2510, equation 15.
    """
    return SPEED_AT_ZERO_MPS * math.sqrt(1 + temperature_c / ZERO_CELSIUS_K)


class Air:
    """Lets one sensor ping at a time; an echo of another's ping would pass for an answer to its own.

    Whoever pings has the air for as long as its echoes may come, and no longer: a sensor that hangs cannot silence the
    other one. The schedule (`hal.board.ping_times`) sees to it that they seldom have to wait.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._free_ns = 0

    def take(self, clock: Clock, for_s: float) -> float:
        """Wait until the air is free and have it for `for_s` from now on; how long that took, in seconds."""
        from_ns = clock.now_ns()
        while (wait_s := self._take(clock, for_s)) > 0:
            clock.sleep(wait_s)
        return (clock.now_ns() - from_ns) / 1e9

    def _take(self, clock: Clock, for_s: float) -> float:
        """How long the air is still somebody else's; 0: it is ours now."""
        with self._lock:
            now_ns = clock.now_ns()
            if now_ns < self._free_ns:
                return (self._free_ns - now_ns) / 1e9
            self._free_ns = now_ns + round(for_s * 1e9)
            return 0.0
