"""The MPU-6050's driver through unmodified smbus2: what trips drivers never becomes a quiet 0 g."""

from typing import Any

import pytest
from support.waiting import eventually
from virtual_pi.conftest import Run
from virtual_pi.wiring import NackBurst, connect_imu

from hal.sim.virtual_pi.server import VirtualPi

G0_MPS2 = 9.80665

OPEN = """
import math
from hal.board import PiBoard
from hal.config import BoardConfig, ImuConfig
from hal.errors import HalError

board = PiBoard(BoardConfig(imu=ImuConfig(model="mpu6050", address=0x68)))

def read():
    '''What one reading gives, at the pace of the guard: [time, size of the acceleration] or an error.'''
    board.clock.sleep(0.02)
    try:
        return [[sample.t_ns, math.hypot(*sample.accel_mps2)] for sample in imu.read()]
    except HalError as error:
        return type(error).__name__

"""
IMU = OPEN + "imu = board.open_imu()\n"


def samples(answers: list[Any]) -> list[tuple[int, float]]:
    return [(t_ns, size_mps2) for answer in answers if isinstance(answer, list) for t_ns, size_mps2 in answer]


def sizes_mps2(answers: list[Any]) -> list[float]:
    return [size_mps2 for _, size_mps2 in samples(answers)]


def test_samples_come_through_the_fifo_at_the_rate_that_was_set(pi: VirtualPi, run: Run) -> None:
    connect_imu(pi)
    found = samples(run(IMU + "say([read() for _ in range(20)])\n").says())
    times_ns = [t_ns for t_ns, _ in found]
    assert times_ns == sorted(set(times_ns))
    assert len(found) >= 20
    assert (times_ns[-1] - times_ns[0]) / (len(found) - 1) == pytest.approx(10e6, rel=0.1)
    assert sizes_mps2([[[0, size]] for _, size in found]) == [pytest.approx(G0_MPS2, abs=0.5)] * len(found)


def test_fifo_that_overflowed_is_an_error_and_is_aligned_again_afterwards(pi: VirtualPi, run: Run) -> None:
    """1024 bytes are no multiple of a frame: whoever reads on after an overflow reads shifted numbers."""
    chip = connect_imu(pi)
    program = run(
        IMU
        + """
say(read())
wait_for_the_test()
answers = [read()]
while len(answers) < 12:
    answers.append(read())
say(answers)
"""
    )
    program.says()

    def overflowed() -> bool:
        with pi.held():
            return int.from_bytes(chip.read(0x72, 2)) == 1024

    eventually(overflowed, what="the FIFO overflows")
    program.proceed()
    first, *later = program.says()
    assert first == "Overflow"
    assert len(samples(later)) >= 5
    assert sizes_mps2(later) == [pytest.approx(G0_MPS2, abs=0.5)] * len(samples(later))


def test_brown_out_that_puts_the_chip_to_sleep_is_an_error_and_never_a_fall_without_weight(
    pi: VirtualPi, run: Run
) -> None:
    chip = connect_imu(pi)
    program = run(
        IMU
        + """
say(read())
wait_for_the_test()
answers = [read()]
while not isinstance(answers[-1], str):
    answers.append(read())
say(answers)
try:
    board.open_imu()
except HalError as error:
    say(type(error).__name__)
else:
    say("open again")
"""
    )
    program.says()
    with pi.held():
        chip.power_cycle()
    program.proceed()
    answers = program.says()
    assert answers[-1] in ("WrongConfig", "NoData")
    assert sizes_mps2(answers) == [pytest.approx(G0_MPS2, abs=0.5)] * len(samples(answers))
    assert program.says() == "open again"


def test_burst_of_lost_acknowledgements_is_named_and_over_when_it_is_over(pi: VirtualPi, run: Run) -> None:
    burst = NackBurst()
    connect_imu(pi, burst)
    program = run(
        IMU
        + """
say(read())
wait_for_the_test()
answers = [read() for _ in range(25)]
say(answers)
"""
    )
    program.says()
    with pi.held():
        burst.left = 5
    program.proceed()
    answers = program.says()
    assert answers[0] == "BusError"
    assert isinstance(answers[-1], list), "it recovers without being opened again"
    assert {answer for answer in answers if isinstance(answer, str)} <= {"BusError", "Overflow", "NoData"}
    assert sizes_mps2(answers) == [pytest.approx(G0_MPS2, abs=0.5)] * len(samples(answers))


def test_chip_that_does_not_answer_cannot_be_opened(run: Run) -> None:
    message = run(
        OPEN + "try:\n    board.open_imu()\nexcept HalError as error:\n    say([type(error).__name__, str(error)])\n"
    ).says()
    assert message[0] == "DeviceNotFound"
    assert "check its wiring" in message[1]
