"""From the trunk's movement to whether somebody wears the device, and wears it as she must."""

import math
from typing import Protocol

from firmware.core.config import CoreConfig
from firmware.core.detectors.mounting_check import MountingCheck
from firmware.core.detectors.worn_wrong import WornWrong
from firmware.core.estimators.on_body import OnBody
from firmware.core.estimators.seat import WELL_RAD, Seat
from firmware.core.messages import Detection, Hazard, Severity
from firmware.core.moving import Moving
from hal.samples import Vector

RELEARN_LATER_S = 2.0
"""Who lies still is asked whether she fell so long before her lying could be taken for a new upright."""
STANDS_NS = 20_000_000_000
"""After so long without a step it is not known any more that she is upright: what was learned of her standing holds."""
RIGHT_S = 1.2
"""So long must it sit steadily as it was learned, after the 1.8 s that tell so: whether she sank is known later."""
OTHER_COS = math.cos(math.radians(15.0))
_WELL = Detection(Hazard.MOUNTING, Severity.NONE)


class Wear(Protocol):
    """What is known of hands and free falls; `firmware.core.estimators.wear.Wear` fits."""

    worn: bool | None
    free_until_ns: int
    handled_until_ns: int


class Wearing:
    """`on_body`: True, somebody wears it; False, nobody does; None, not known. `complaint`: empty, or what is wrong.

    `detection` says the same as an alarm. It decides nothing about a fall.
    """

    def __init__(self, config: CoreConfig, moving: Moving) -> None:
        self._moving = moving
        self._on_body = OnBody(config.on_body)
        self._seat = Seat()
        self._check = MountingCheck(config.mounting_check)
        self._wrong = WornWrong(config.worn_wrong)
        self._relearn_s = config.fall.down_s + RELEARN_LATER_S
        self.resume = self._on_body.resume
        self.detection = _WELL

    @property
    def on_body(self) -> bool | None:
        return self._on_body.on_body

    @property
    def alive(self) -> bool:
        """A body is felt."""
        return self._on_body.alive

    @property
    def moved(self) -> bool:
        """It does not stand on a table: an upright may be learned. That of a hand is replaced when she clips it on."""
        return self._on_body.moved

    @property
    def complaint(self) -> str:
        return self._wrong.complaint

    @property
    def tilted(self) -> str:
        """What is wrong with how it sat when her upright was learned; empty when nothing is, or it was not."""
        return self._check.judge(self._moving.attitude.stance)

    def relearn(self) -> None:
        """Where it sits another way than it should, or did, her upright is learned anew."""
        if self._wrong.slipped or self.tilted:
            self._moving.attitude.relearn(self._relearn_s)

    def restart(self) -> None:
        """The sensor was silent for too long."""
        self._on_body.restart()
        self._seat.restart()

    def update(self, wear: Wear, fallen: bool = False, sank: bool = False) -> bool:
        """One slice has ended, and `wear` knows it; True when `on_body` or `complaint` is another one.

        `fallen`: an alarm about a fall is open; `sank`: she may have gone down to the floor since she was upright last.
        """
        moving, on_body, wrong = self._moving, self._on_body, self._wrong
        attitude, steps, before = moving.attitude, moving.steps, (on_body.on_body, wrong.complaint)
        on_body.update(moving.slice, attitude.up, attitude.tilt_rad, steps.times.count, wear)
        if self._seat.update(moving.slice, attitude.up, attitude.learned, attitude.tilt_rad, steps):
            if on_body.on_body:
                wrong.update(self.tilted, self._seat.slipped_rad, self._seat.wobble_radps)
            elif on_body.on_body is False:
                self._seat.restart()
                wrong.restart()
            if not fallen:
                self._follow(sank)
        if wrong.complaint != before[1]:
            reason = wrong.complaint
            self.detection = Detection(Hazard.MOUNTING, Severity.CAUTION, {"reason": reason}) if reason else _WELL
        return before != (on_body.on_body, wrong.complaint)

    def _follow(self, sank: bool) -> None:
        """Once she has walked on with it turned she is judged by how it sits now: nobody falls like that."""
        seat, attitude, steps = self._seat, self._moving.attitude, self._moving.steps
        if seat.slipped_rad is None:
            stands = attitude.tilt_rad < WELL_RAD and self._moving.slice.t_ns - (steps.last_ns or 0) > STANDS_NS
            if attitude.turned and stands:
                attitude.turn_to(None)
        elif not self._wrong.slipped:
            if attitude.turned and (seat.stepping or (not sank and seat.well_s >= RIGHT_S)):
                attitude.turn_to(None)
        elif seat.stepping and seat.walked_on and not sank and _differ(seat.up, attitude.upright):
            attitude.turn_to(seat.up)


def _differ(a: Vector, b: Vector | None) -> bool:
    return b is None or a[0] * b[0] + a[1] * b[1] + a[2] * b[2] < OTHER_COS
