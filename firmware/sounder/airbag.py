"""The airbag pin: one bounded pulse when the guard says that a fall seems to have begun, and then none for a while.

What arms it and how often wrongly: docs/DETECTION.md, "Before the impact". It is raised while the word is taken, before
any other output; it is lowered by time alone, by this and by the driver's own timer (`hal.expiry`).
"""

from collections.abc import Callable

from firmware.ipc import Play, SounderReport
from firmware.sounder.outputs import LED_RETRY_NS, Output, switch
from hal.board import AirbagOutput
from hal.config import AirbagConfig

STALE_NS = 250_000_000  # half of the impacts come within a third of a second: a word of long ago fires nothing


class AirbagPin:
    """`take` each word of the guard, `tick` every turn; without a pin in the configuration neither does anything."""

    def __init__(self, config: AirbagConfig, open_airbag: Callable[[], AirbagOutput]) -> None:
        self._output: Output[AirbagOutput, bool] | None = None
        if config.pin is not None:
            self._output = Output("airbag", open_airbag, switch, rest=False, retry_ns=LED_RETRY_NS)
        self._pulse_ns, self._apart_ns = round(config.pulse_s * 1e9), round(config.apart_s * 1e9)
        self._until_ns = 0  # when the pulse is over
        self._quiet_until_ns: int | None = None  # None: not started

    def rest(self, now_ns: int) -> None:
        """Open it, which drives it low. Nobody knows whether another sounder has just fired: a while must pass."""
        self._quiet_until_ns = now_ns + self._apart_ns
        if self._output is not None:
            self._output.rest(now_ns)

    def take(self, play: Play, now_ns: int) -> None:
        begun_ns = play.pre_impact_ns
        if self._output is None or begun_ns is None or play.armed is not True:
            return
        if self._quiet_until_ns is None or now_ns < self._quiet_until_ns or abs(now_ns - begun_ns) > STALE_NS:
            return
        self._quiet_until_ns, self._until_ns = now_ns + self._apart_ns, now_ns + self._pulse_ns
        self._output.set(True, now_ns)

    def tick(self, now_ns: int) -> None:
        if self._output is not None and now_ns >= self._until_ns:
            self._output.rest(now_ns)

    def broken(self) -> tuple[SounderReport, ...]:
        return () if self._output is None or self._output.fault is None else (self._output.fault,)

    def close(self) -> None:
        if self._output is not None:
            self._output.close()
