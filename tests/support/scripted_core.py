"""A core that decides by one simple rule, so that a test knows what it will say."""

import math

from firmware.core.config import CoreConfig
from firmware.core.messages import Alert, Hazard, Input, Output, PreImpact, Severity, WalkChanged, WalkState
from hal.samples import ImuSample, RangeSample

G0_MPS2 = 9.80665


class ScriptedCore:
    """Ready after a second; arms below 0.7 g; suspects a fall one second after more than 3 g; keeps what it was fed."""

    latest: "ScriptedCore"
    again = False  # whether a second fall is one

    def __init__(self, config: CoreConfig | None = None) -> None:
        self.inputs: list[Input] = []
        self._impact_ns: int | None = None
        self._armed = self._ready = False
        ScriptedCore.latest = self

    def step(self, message: Input) -> list[Output]:
        self.inputs.append(message)
        t_ns, out = message.t_ns, list[Output]()
        if not self._ready and t_ns - self.inputs[0].t_ns >= 1_000_000_000:
            self._ready = True
            out.append(WalkChanged(t_ns, WalkState.READY, {}))
        if not isinstance(message, ImuSample):
            return out
        size_g = math.hypot(*message.accel_mps2) / G0_MPS2
        if size_g < 0.7 and not self._armed:
            self._armed = True
            out.append(PreImpact(t_ns, True, 1.0 - size_g))
        if size_g > 3.0 and self._impact_ns is None:
            self._impact_ns = t_ns
        if self._impact_ns is not None and t_ns - self._impact_ns >= 1_000_000_000:
            self._impact_ns = None if ScriptedCore.again else 2**62
            out.append(Alert(t_ns, Hazard.FALL, Severity.SUSPECTED, 1, {"score": 0.75}))
        return out

    def ranges(self) -> list[RangeSample]:
        return [item for item in self.inputs if isinstance(item, RangeSample)]
