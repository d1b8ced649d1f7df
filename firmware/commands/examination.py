"""What `rearguard doctor` does to a board, and when: the sensors are read side by side, then the outputs play.

Every part keeps to the timetable by the board's clock, whatever the others do: a sensor that hangs delays no beep. On
a real board there is one clock. On a simulated one each part has a board, and so a clock, of its own: then everything
takes as long in simulated time as it would in real time.
"""

from collections.abc import Callable, Sequence

from firmware.commands.checks.button import look_at_button
from firmware.commands.checks.check import Check, Job, bad
from firmware.commands.checks.imu import look_at_imu
from firmware.commands.checks.mounting import mounting
from firmware.commands.checks.outputs import BEEP_FIRST, BEEP_SECOND, LOW, PLAYING_S, TONE_HZ, VOLUME, play
from firmware.commands.checks.power import look_at_power
from firmware.commands.checks.rangefinder import look_at_rangefinder
from firmware.commands.checks.wiring import wiring
from firmware.core.config import CoreConfig
from hal.board import Board, ping_times
from hal.config import BoardConfig

READING_S = 1.2  # 100 samples, 20 pings, and time for a press
SELF_TEST_S = 1.2  # for the motion sensor's own test, which wants stillness

Look = Callable[[Board, int, str], list[Check]]
"""Looks at a part of a board; until or from a time by its clock; the last is where the part's wires belong."""


class Examination:
    """The parts that the configuration names, each as a job."""

    def __init__(
        self,
        config: BoardConfig,
        core: CoreConfig,
        open_board: Callable[[], Board],
        *,
        mounting_told: Sequence[str],
        self_test: bool = False,
        pulse_airbag: bool = False,
    ) -> None:
        """`open_board` is asked once for each part; for `mounting_told` see `checks.mounting`.

        Only with `pulse_airbag` the airbag's pin ever goes high.
        """
        self._airbag_rhythm = BEEP_FIRST if pulse_airbag else LOW
        self._config, self._core, self._open_board = config, core, open_board
        self._mounting_told, self._self_test = mounting_told, self_test
        self.play_s = READING_S + (SELF_TEST_S if self_test else 0.0)
        self.duration_s = self.play_s + PLAYING_S

    def jobs(self) -> list[Job]:
        """In the order of `hal.samples.PARTS`, with what else there is beside its like."""
        jobs = [self._job("imu", self._imu, READING_S), self._job("rangefinder", self._rangefinder, READING_S)]
        if self._config.low_rangefinder.fitted:
            jobs.append(self._job("low_rangefinder", self._low_rangefinder, READING_S))
        jobs.append(self._job("button", self._button, READING_S))
        jobs += [self._job("buzzer", _buzzer, self.play_s), self._job("motor", _motor, self.play_s)]
        if self._config.led.pin is not None:
            jobs.append(self._job("led", _led, self.play_s))
        if self._config.airbag.pin is not None:
            jobs.append(self._job("airbag", self._airbag, self.play_s))
        return [*jobs, self._job("power", self._power, READING_S)]

    def _job(self, part: str, look: Look, at_s: float) -> Job:
        board, wires = self._open_board(), wiring(part, self._config)
        at_ns = board.clock.now_ns() + round(at_s * 1e9)
        advice = f"something holds its bus or the processor up: switch the device off and on; {wires}"
        late = bad(part, "not found", f"no end of looking at it within {self.duration_s:.1f} s", advice)
        return Job(lambda: look(board, at_ns, wires), late)

    def _imu(self, board: Board, until_ns: int, wires: str) -> list[Check]:
        check, feels_mps2 = look_at_imu(board, until_ns, wires, self_test=self._self_test)
        return [check, mounting(self._mounting_told, feels_mps2, self._core.mounting_check)]

    def _rangefinder(self, board: Board, until_ns: int, wires: str) -> list[Check]:
        period_s = ping_times(self._config).period_s
        return [look_at_rangefinder("rangefinder", board.open_rangefinder, board.clock, until_ns, period_s, wires)]

    def _low_rangefinder(self, board: Board, until_ns: int, wires: str) -> list[Check]:
        period_s, part = ping_times(self._config).period_s, "low_rangefinder"
        return [look_at_rangefinder(part, board.open_low_rangefinder, board.clock, until_ns, period_s, wires)]

    def _button(self, board: Board, until_ns: int, wires: str) -> list[Check]:
        contacts = 1 if self._config.button.nc_pin is None else 2
        return [look_at_button(board.open_button, board.clock, until_ns, wires, contacts=contacts)]

    def _airbag(self, board: Board, from_ns: int, wires: str) -> list[Check]:
        _wait(board, from_ns)
        return [play("airbag", board.open_airbag, lambda out: out.on(), board.clock, self._airbag_rhythm, wires)]

    def _power(self, board: Board, until_ns: int, wires: str) -> list[Check]:
        return [look_at_power(board.open_power, board.clock, until_ns, self._core.power_limits, wires)]


def _buzzer(board: Board, from_ns: int, wires: str) -> list[Check]:
    _wait(board, from_ns)
    clock = board.clock
    return [play("buzzer", board.open_buzzer, lambda out: out.tone(TONE_HZ, VOLUME), clock, BEEP_FIRST, wires)]


def _motor(board: Board, from_ns: int, wires: str) -> list[Check]:
    _wait(board, from_ns)
    return [play("motor", board.open_motor, lambda out: out.on(), board.clock, BEEP_SECOND, wires)]


def _led(board: Board, from_ns: int, wires: str) -> list[Check]:
    _wait(board, from_ns)
    return [play("led", board.open_led, lambda out: out.on(), board.clock, BEEP_FIRST, wires)]


def _wait(board: Board, until_ns: int) -> None:
    """The sensors come first: a motor that shakes is felt by the motion sensor."""
    board.clock.sleep(max(until_ns - board.clock.now_ns(), 0) / 1e9)
