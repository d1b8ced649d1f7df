"""What the wearer says with the one button: a long hold, or three quick presses."""

from collections import deque
from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class ButtonGestureConfig:
    """How long and how quick the gestures are."""

    hold_s: float = 2.0  # long enough not to happen by accident
    presses: int = 3
    presses_within_s: float = 2.0

    def __post_init__(self) -> None:
        for key, low, high in (("hold_s", 1.0, 5.0), ("presses", 2, 5), ("presses_within_s", 1.0, 5.0)):
            if not low <= getattr(self, key) <= high:
                raise ValueError(f"button_gesture: {key} ({getattr(self, key)}) must lie between {low} and {high}")


class Gesture(Enum):
    NONE = 0
    HELD = 1
    PRESSED_REPEATEDLY = 2
    PRESSED_TWICE = 3


class ButtonGestures:
    """Turns presses and passing time into gestures; each gesture is told once.

    A press belongs to one gesture: the last one of a call for help is no hold, however long it lasts, and a hold is no
    press of a call. Two presses are told only once a third one would come too late.
    """

    def __init__(self, config: ButtonGestureConfig) -> None:
        self._hold_ns = round(config.hold_s * 1e9)
        self._within_ns = round(config.presses_within_s * 1e9)
        self._wanted = config.presses
        self._presses: deque[int] = deque(maxlen=config.presses)
        self._spent = False  # the press that is down was told
        self._unclear = False
        self.down_since_ns: int | None = None

    @property
    def waits(self) -> bool:
        """Whether passing time alone may tell a gesture."""
        return self.down_since_ns is not None or bool(self._presses)

    def press(self, t_ns: int, pressed: bool) -> Gesture:
        """The contact changed. A repeated report of the same state is no new press."""
        if not pressed:
            self.down_since_ns, self._unclear = None, False
            return Gesture.NONE
        if self.down_since_ns is not None or self._unclear:
            return Gesture.NONE
        self.down_since_ns, self._spent = t_ns, False
        while self._presses and t_ns - self._presses[0] > self._within_ns:
            self._presses.popleft()
        self._presses.append(t_ns)
        if len(self._presses) == self._wanted:
            self._presses.clear()
            self._spent = True
            return Gesture.PRESSED_REPEATEDLY
        return Gesture.NONE

    def forget(self) -> None:
        """The contact cannot be trusted: what it said so far is no gesture, nor what it says until it is released."""
        self._unclear = self._unclear or self.down_since_ns is not None
        self.down_since_ns = None
        self._presses.clear()

    def wait(self, now_ns: int) -> Gesture:
        """Time passed; tells a hold as soon as it is long enough, and two presses when no third one came."""
        down_ns, presses = self.down_since_ns, self._presses
        if down_ns is not None:
            if self._spent or now_ns - down_ns < self._hold_ns:
                return Gesture.NONE
            self._spent = True
            presses.clear()
            return Gesture.HELD
        if not presses or now_ns - presses[-1] <= self._within_ns:
            return Gesture.NONE  # each of them may yet be one of a call
        count = len(presses)
        presses.clear()
        return Gesture.PRESSED_TWICE if count == 2 else Gesture.NONE
