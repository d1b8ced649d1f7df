"""What the status LED shows.

| it | means |
|---|---|
| flashes for 50 ms, 2 s after the last sound and every 2 s from then on | the sounder lives, and nothing is asked for |
| blinks in the rhythm of buzzer and motor | that pattern sounds |
| blinks evenly, 0.2 s on and 0.2 s off | the fault pattern sounds, or the buzzer or the motor is broken |
| stays dark, for longer than 3 s of silence | no power, no sounder, or a broken LED: nobody guards |

It says nothing about the sensors that the guard does not also say by the fault pattern. It never stays lit.
"""

from hal.expiry import LIMIT_S

FLASH_NS = 50_000_000
EVERY_NS = 2_000_000_000
FAULT_NS = 200_000_000  # slower than any warning, far quicker than the flash; told apart at a glance

assert FAULT_NS < LIMIT_S * 1e9


class StatusLight:
    """Says whether the LED is lit; to be asked every turn."""

    def __init__(self) -> None:
        self._sounded_ns: int | None = None  # when something sounded last, or when this began

    def lit(self, *, sounding: bool, fault: bool, now_ns: int) -> bool:
        """`sounding`: a tone is on right now. `fault`: the walker's fault pattern is on, or an output is broken."""
        if sounding or self._sounded_ns is None:
            self._sounded_ns = now_ns
        if fault:
            return now_ns // FAULT_NS % 2 == 0
        since_ns = now_ns - self._sounded_ns
        return sounding or (since_ns >= EVERY_NS and since_ns % EVERY_NS < FLASH_NS)
