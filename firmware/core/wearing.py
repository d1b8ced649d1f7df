"""From the trunk's movement to whether somebody wears the device, and wears it as she must."""

from typing import Protocol

from firmware.core.config import CoreConfig
from firmware.core.detectors.mounting_check import MountingCheck
from firmware.core.detectors.worn_wrong import WornWrong
from firmware.core.estimators.on_body import OnBody
from firmware.core.estimators.seat import Seat
from firmware.core.messages import Detection, Hazard, Severity
from firmware.core.moving import Moving

RELEARN_LATER_S = 2.0
"""Who lies still is asked whether she fell so long before her lying could be taken for a new upright."""
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

    def update(self, wear: Wear) -> bool:
        """One slice has ended, and `wear` knows it; True when `on_body` or `complaint` is another one."""
        moving, on_body, wrong = self._moving, self._on_body, self._wrong
        attitude, steps, before = moving.attitude, moving.steps, (on_body.on_body, wrong.complaint)
        on_body.update(moving.slice, attitude.up, attitude.tilt_rad, steps.times.count, wear)
        if self._seat.update(moving.slice, attitude.up, attitude.upright, steps):
            if on_body.on_body:
                wrong.update(self.tilted, self._seat.slipped_rad, self._seat.wobble_radps)
            elif on_body.on_body is False:
                self._seat.restart()
                wrong.restart()
        if wrong.complaint != before[1]:
            reason = wrong.complaint
            self.detection = Detection(Hazard.MOUNTING, Severity.CAUTION, {"reason": reason}) if reason else _WELL
        return before != (on_body.on_body, wrong.complaint)
