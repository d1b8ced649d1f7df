"""`rearguard calibrate`: how the sensor sits on this wearer, from standing still and a bow forward; kept for walks."""

import argparse
import contextlib
import math
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from firmware.commands.run import end_as_by_ctrl_c, make_folders
from firmware.config import Config, installed, load
from firmware.errors import AlreadyRunning, NoHardware, RearguardError
from firmware.ipc import Instance
from firmware.mounting import StoredMounting, forget, keep
from hal.board import Board, ToneOutput
from hal.clock import Clock
from hal.config import BoardConfig
from hal.errors import DeviceNotFound, HalError, PinsUnavailable
from hal.imu.calibration import Bow, DoItAgain, find_mounting, find_stance
from hal.imu.imu import Imu
from hal.imu.mounting import Mounting
from hal.samples import ImuSample, Vector
from hal.sim.world.scene import Mark

SYNCED = Path("/run/systemd/timesync/synchronized")  # made by systemd-timesyncd once the clock was set from the network
ATTEMPTS = 3
READY_S, STAND_S, BOW_S = 5.0, 3.0, 8.0
POLL_S = 0.02
BEEP_S, BEEP_HZ, AGAIN_HZ = 0.2, 880.0, 440.0
OK, FAILURE = 0, 1


def calibrate(args: argparse.Namespace) -> int:
    """0 when the mounting was found and kept (or forgotten), 1 when it was not found, 3 without a sensor."""
    config = load(args.config or (None if args.simulated else installed()))
    if args.forget:
        gone = forget(config.paths.state_dir)
        print("forgotten: the configuration's axes are used again" if gone else "there was nothing to forget")
        return OK
    with contextlib.ExitStack() as stack:
        if args.simulated and not args.config:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rearguard-")))
            config = replace(config, paths=replace(config.paths, state_dir=folder, run_dir=folder))
        make_folders(config)
        if not args.simulated:
            end_as_by_ctrl_c()
        stack.callback(Instance(config.paths.run_dir, "guard").close)  # it would take our samples
        return _calibrate(args, config, stack)


def _calibrate(args: argparse.Namespace, config: Config, stack: contextlib.ExitStack) -> int:
    square = replace(config.board.imu, forward="+x", left="+y", up="+z", tilt_deg=(0.0, 0.0, 0.0))
    raw = replace(config.board, imu=square)
    wearer = _SimulatedWearer(config.board.imu.mounting) if args.simulated else None
    board = _simulated_board(raw, wearer, args.fault) if wearer else _real_board(raw)
    try:
        imu = board.open_imu()
        stack.callback(imu.close)
        guide = Guide(imu, board.clock, _open_buzzer(board, config, stack), wearer.bow if wearer else lambda t_ns: None)
        bow = guide.find()
    except (DeviceNotFound, PinsUnavailable) as error:
        raise NoHardware(str(error)) from error
    except HalError as error:
        raise RearguardError(str(error)) from error
    if bow is None:
        print("not found, and nothing was changed; `rearguard doctor` looks at the sensor")
        return FAILURE
    _tell(bow, config.board.imu.mounting)
    mounting, info = bow.mounting, imu.info
    date = "" if args.simulated or not SYNCED.exists() else datetime.now(UTC).date().isoformat()
    stored = StoredMounting(
        mounting.forward, mounting.left, mounting.up, mounting.tilt_deg, info.model, info.address, date
    )
    path = keep(config.paths.state_dir, stored)
    print("simulated: kept nowhere" if args.simulated and not args.config else f"kept in {path} for the next walk")
    return OK


def _tell(bow: Bow, configured: Mounting) -> None:
    print(f"found, from a bow of {bow.angle_deg:.0f} deg: {bow.mounting.words()}")
    ahead = sum(
        a * b
        for a, b in zip(bow.mounting.to_sensor((1.0, 0.0, 0.0)), configured.to_sensor((1.0, 0.0, 0.0)), strict=True)
    )
    if ahead < 0.5:  # more than 60°
        print(
            f"the configuration says: {configured.words()}. What was found counts from now on; "
            "if you squatted or leaned back instead of bowing, do it again"
        )


@dataclass
class Guide:
    """Tells the wearer what to do, by text and tones, and measures meanwhile. No step waits for her."""

    imu: Imu
    clock: Clock
    buzzer: ToneOutput | None
    on_bow: Callable[[int], None]

    def find(self) -> Bow | None:
        """Up to three attempts of 16 s. Raises HalError."""
        print("Clip the device on as you will wear it. Stand upright, and listen:", flush=True)
        for attempt in range(ATTEMPTS):
            try:
                return self._attempt()
            except DoItAgain as reason:
                last = attempt == ATTEMPTS - 1
                print(f"that did not work: {reason}" + ("" if last else ". Once more:"), flush=True)
                self._beep(AGAIN_HZ)
        return None

    def _attempt(self) -> Bow:
        print(f"  one tone, in {READY_S:.0f} s: stand still for {STAND_S:.0f} s", flush=True)
        self._measure(READY_S)
        self._beep(BEEP_HZ)
        stance = find_stance(self._measure(STAND_S))
        print(
            f"  two tones, now: bow forward slowly, from the hips, hold it for a second, come back up, and stand still "
            f"({BOW_S:.0f} s in all)",
            flush=True,
        )
        self._beep(BEEP_HZ)
        self._beep(BEEP_HZ)
        self.on_bow(self.clock.now_ns())
        samples = self._measure(BOW_S)
        self._beep(BEEP_HZ)
        return find_mounting(stance, samples)

    def _measure(self, seconds: float) -> list[ImuSample]:
        """Read all the while, so that nothing old is left over for the next step."""
        self.imu.read()
        samples: list[ImuSample] = []
        due_ns = self.clock.now_ns()
        end_ns = due_ns + round(seconds * 1e9)
        while due_ns < end_ns:
            due_ns = max(due_ns + round(POLL_S * 1e9), self.clock.now_ns())
            self.clock.sleep(max(0, due_ns - self.clock.now_ns()) / 1e9)
            samples += self.imu.read()
        return samples

    def _beep(self, frequency_hz: float) -> None:
        """A tone and the silence after it; without a buzzer that can be used, the text has to do."""
        with contextlib.suppress(HalError):
            if self.buzzer:
                self.buzzer.tone(frequency_hz, 1.0)
        self._measure(BEEP_S)
        with contextlib.suppress(HalError):
            if self.buzzer:
                self.buzzer.off()
        self._measure(BEEP_S / 2)


def _open_buzzer(board: Board, config: Config, stack: contextlib.ExitStack) -> ToneOutput | None:
    """None while a sounder has it, or when it does not work."""
    try:
        stack.callback(Instance(config.paths.run_dir, "sounder").close)
        buzzer = board.open_buzzer()
    except (AlreadyRunning, HalError) as error:
        print(f"no tones: {error}", flush=True)
        return None
    stack.callback(buzzer.close)
    return buzzer


def _real_board(config: BoardConfig) -> Board:
    from hal.board import PiBoard

    return PiBoard(config)


def _simulated_board(config: BoardConfig, wearer: "_SimulatedWearer", faults: list[str]) -> Board:
    from hal.sim.board import SimBoard
    from hal.sim.clock import SimClock
    from hal.sim.faults import parse_fault

    clock = SimClock()
    failing = tuple(parse_fault(text) for text in faults)
    return SimBoard(config, wearer, faults=failing, epoch_ns=0, new_clock=lambda: clock)


class _SimulatedWearer:
    """A world in which somebody stands, and bows by 45° when she is asked to. Her sensor sits tilted 7° back."""

    name, duration_s = "calibrate", math.inf
    marks: tuple[Mark, ...] = ()

    def __init__(self, configured: Mounting) -> None:
        self._worn = replace(Mounting(), tilt_deg=(0.0, -7.0, 0.0))
        self._configured = configured
        self._asked_s = math.inf

    def bow(self, t_ns: int) -> None:
        self._asked_s = t_ns / 1e9

    def motion(self, t_s: float) -> tuple[Vector, Vector]:
        bow_s, bowed_rad = 5.0, math.radians(45.0)
        phase = math.pi * min(1.0, max(0.0, t_s - self._asked_s - 0.7) / bow_s)
        pitch = bowed_rad * math.sin(phase) ** 2
        rate = bowed_rad * math.sin(2 * phase) * math.pi / bow_s
        return self._sensed((-9.81 * math.sin(pitch), 0.0, 9.81 * math.cos(pitch))), self._sensed((0.0, rate, 0.0))

    def distance_m(self, t_s: float) -> float | None:
        return None

    def pressed(self, t_s: float) -> bool:
        return False

    def _sensed(self, body: Vector) -> Vector:
        """The simulated chip sits square, so it is this world that turns with it."""
        return self._configured.to_sensor(self._worn.to_sensor(body))
