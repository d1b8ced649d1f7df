"""The wearer calls for help with the button. No estimate is in between, so it is confirmed at once."""

from firmware.core.messages import Detection, Hazard, Severity, Value

_CALM = Detection(Hazard.SOS, Severity.NONE)


class SosAlarm:
    """Open from the three presses until the wearer holds the button; nothing else ends it."""

    def __init__(self) -> None:
        self._called_ns = 0
        self.detection = _CALM

    @property
    def open(self) -> bool:
        return self.detection.severity is Severity.CONFIRMED

    def call(self, now_ns: int) -> None:
        if not self.open:
            self._called_ns = now_ns
            self.detection = Detection(Hazard.SOS, Severity.CONFIRMED, {"by": "button"})

    def resume(self, now_ns: int, age_s: float) -> None:
        """The wearer called before the guard was started anew; a call of this run already says so."""
        if not self.open:
            self._called_ns = now_ns
            data: dict[str, Value] = {"by": "button", "resumed": True, "age_s": round(age_s, 1)}
            self.detection = Detection(Hazard.SOS, Severity.CONFIRMED, data)

    def cancel(self, pressed_since_ns: int) -> None:
        """The button was held; the third press of the call itself does not cancel it when it is held on."""
        if self.open and pressed_since_ns > self._called_ns:
            self.detection = Detection(Hazard.SOS, Severity.CANCELLED, {"by": "button"})

    def finish(self) -> None:
        """The end of the alarm has been told."""
        if not self.open:
            self.detection = _CALM
