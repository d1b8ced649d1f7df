"""How `rearguard doctor` looks at the parts of a board: reads the sensors side by side, then plays the outputs."""

import contextlib
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from statistics import median
from typing import Literal, Protocol, TypeVar

from hal.board import Board, BoardConfig
from hal.clock import Clock
from hal.errors import HalError
from hal.samples import PARTS, ButtonSample, ImuSample, RangeSample, Vector

Status = Literal["ok", "warn", "fail"]
Sample = ImuSample | RangeSample | ButtonSample

READING_S = 1.6
TURN_S = 0.02  # between two readings of the IMU or the button, as in a walk
BEEPS = 5
BEEP_S = 0.12
TONE_HZ = 800.0
VOLUME = 0.3  # the doctor's room is quieter than a walk
G0_MPS2 = 9.81
GRAVITY_TOLERANCE_MPS2 = 1.0  # an MPU-6050 may be 0.05 g off in each axis
SHAKING_MPS2 = 3.0  # a worn or held device moves less than this between two samples
SAME_IN_A_ROW = 20  # a real sensor's last bit is noise
LOST_SHARE = 0.1  # of the readings: a coat swallows a ping now and then
JUMP_M = 1.0  # from one ping to the next


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at: what was found, and what to do about it when that is not as it should be."""

    id: str
    status: Status
    detail: str
    hint: str = ""
    missing: bool = False  # the machine does not have what every part needs


class Device(Protocol):
    """A sensor's driver."""

    def read(self) -> "Sequence[ImuSample] | Sequence[RangeSample] | ButtonSample": ...

    def close(self) -> None: ...


class Probe:
    """Reads one sensor and keeps everything that it says."""

    def __init__(self, open_device: Callable[[], Device]) -> None:
        self._open = open_device
        self._device: Device | None = None
        self.polls = 0
        self.samples: list[Sample] = []
        self.errors: list[HalError] = []

    def poll(self) -> None:
        self.polls += 1
        try:
            if self._device is None:
                self._device = self._open()
            found = self._device.read()
        except HalError as error:
            self.errors.append(error)
        else:
            self.samples += found if isinstance(found, Sequence) else [found]

    @property
    def too_many_errors(self) -> bool:
        return len(self.errors) > LOST_SHARE * self.polls

    def close(self) -> None:
        if self._device is not None:
            try:
                self._device.close()
            except HalError as error:
                self.errors.append(error)


def examine(board: Board, config: BoardConfig) -> list[Check]:
    """One check for each part, in the order of `hal.samples.PARTS`; about seven seconds of the board's time.

    One part after the other, so that a slow one does not spoil what the others say.
    """
    checks = [
        _imu(_read(board.open_imu, board.clock, TURN_S), config.imu.rate_hz),
        _rangefinder(_read(board.open_rangefinder, board.clock, config.rangefinder.period_s)),
        _button(_read(board.open_button, board.clock, TURN_S)),
        _play("buzzer", board.clock, board.open_buzzer, lambda buzzer: buzzer.tone(TONE_HZ, VOLUME)),
        _play("motor", board.clock, board.open_motor, lambda motor: motor.on()),
    ]
    assert [check.id for check in checks] == list(PARTS)
    return checks


def _read(open_device: Callable[[], Device], clock: Clock, period_s: float) -> Probe:
    probe = Probe(open_device)
    until_ns = clock.now_ns() + round(READING_S * 1e9)
    while clock.now_ns() < until_ns:
        due_ns = clock.now_ns() + round(period_s * 1e9)
        probe.poll()
        clock.sleep(max(due_ns - clock.now_ns(), 0) / 1e9)
    probe.close()
    return probe


def failed(part: str, errors: Sequence[HalError], tries: int, status: Status = "fail") -> Check:
    """The commonest error stands for all of them; its last clause is what to do."""
    kind = Counter(type(error) for error in errors).most_common(1)[0][0]
    first = next(error for error in errors if type(error) is kind)
    found, semicolon, advice = str(first).removeprefix(f"{part}: ").rpartition("; ")
    if not semicolon:
        found, advice = advice, _wiring(part)
    elif part in PARTS and "check" not in advice:
        advice = f"{advice}; {_wiring(part)}"
    count = f" ({len(errors)} of {tries} tries failed)" if len(errors) < tries else ""
    return Check(part, status, found + count, advice)


def _wiring(part: str) -> str:
    return f"check the wiring of the {part} in docs/HARDWARE.md"


def _imu(probe: Probe, rate_hz: int) -> Check:
    samples = [sample for sample in probe.samples if isinstance(sample, ImuSample)]
    if probe.too_many_errors:
        return failed("imu", probe.errors, probe.polls)
    if len(samples) < 2:
        return _bad_imu(f"{len(samples)} samples, expected {rate_hz} a second", "switch it off and on")
    found_hz = (len(samples) - 1) / (samples[-1].t_ns - samples[0].t_ns) * 1e9
    forces_mps2 = [math.hypot(*sample.accel_mps2) for sample in samples]
    jump_mps2 = median(abs(b - a) for a, b in pairwise(forces_mps2))
    gravity_mps2 = median(forces_mps2)
    if not 0.8 * rate_hz <= found_hz <= 1.2 * rate_hz:
        return _bad_imu(f"{found_hz:.0f} samples a second, expected {rate_hz}", "switch it off and on")
    if _same_in_a_row([(sample.accel_mps2, sample.gyro_radps) for sample in samples]) >= SAME_IN_A_ROW:
        return _bad_imu("repeats the same numbers, as a frozen chip does", "switch it off and on")
    if not jump_mps2 <= SHAKING_MPS2:
        return _bad_imu(f"its numbers jump by {jump_mps2:.0f} m/s²", "hold it still")
    if not abs(gravity_mps2 - G0_MPS2) <= GRAVITY_TOLERANCE_MPS2:
        return _bad_imu(f"reads {gravity_mps2:.2f} m/s² at rest, expected {G0_MPS2}", "hold it still")
    if probe.errors:
        return failed("imu", probe.errors, probe.polls, "warn")
    return Check("imu", "ok", f"{found_hz:.0f} samples a second, {gravity_mps2:.2f} m/s² at rest")


def _bad_imu(detail: str, first: str) -> Check:
    return Check("imu", "fail", detail, f"{first} and run doctor again; if this stays, {_wiring('imu')} or change it")


def _same_in_a_row(values: "Sequence[tuple[Vector, Vector]]") -> int:
    longest = run = 1
    for before, now in pairwise(values):
        run = run + 1 if before == now else 1
        longest = max(longest, run)
    return longest


def _rangefinder(probe: Probe) -> Check:
    samples = [sample for sample in probe.samples if isinstance(sample, RangeSample)]
    if probe.too_many_errors:
        return failed("rangefinder", probe.errors, probe.polls)
    distances_m = [sample.distance_m for sample in samples if sample.distance_m is not None]
    jumps = sum(abs(b - a) > JUMP_M for a, b in pairwise(distances_m))
    if jumps > LOST_SHARE * probe.polls:
        advice = f"hold still and run doctor again; if this stays, {_wiring('rangefinder')}"
        return Check("rangefinder", "fail", f"the distance jumps from ping to ping ({jumps} times)", advice)
    where = f"{median(distances_m):.2f} m behind" if distances_m else "nothing within 4 m"
    if lost := len(probe.errors):
        return Check(
            "rangefinder", "warn", f"{where}; {lost} of {probe.polls} pings lost", "keep clothing away from it"
        )
    return Check("rangefinder", "ok", f"{where} ({len(samples)} pings)")


def _button(probe: Probe) -> Check:
    if probe.errors:
        return failed("button", probe.errors, probe.polls)
    states = {sample.pressed for sample in probe.samples if isinstance(sample, ButtonSample)}
    if states == {True}:
        return Check("button", "fail", "held down all the time", "let go of it and run doctor again; then change it")
    seen = (
        "a press and a release" if len(states) > 1 else "up; hold it for a moment while doctor runs to see a press too"
    )
    return Check("button", "ok", seen)


class _Output(Protocol):
    def off(self) -> None: ...

    def close(self) -> None: ...


Out = TypeVar("Out", bound=_Output)


def _play(part: str, clock: Clock, open_output: Callable[[], Out], sound: Callable[[Out], None]) -> Check:
    """Sound and be silent in turn. The driver itself reads back whether the pin follows."""
    errors: list[HalError] = []
    try:
        output = open_output()
    except HalError as error:
        return failed(part, [error], 1)
    for _ in range(BEEPS):
        for write in (partial(sound, output), output.off):
            try:
                write()
            except HalError as error:
                errors.append(error)
            clock.sleep(BEEP_S)
    with contextlib.suppress(HalError):  # heard of already
        output.close()
    if errors:
        return failed(part, errors, 2 * BEEPS)
    return Check(part, "ok", f"follows what is written to it ({BEEPS} times); did you notice it?")
