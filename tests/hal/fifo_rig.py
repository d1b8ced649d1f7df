"""A simulated ICM-20948 or LSM6DSOX on a belt, and what every such chip's driver must do, for the tests of both."""

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from hypothesis import strategies as st

from hal.errors import BusError, HalError, NoData, Overflow, TooSlow, WrongConfig
from hal.imu.fifo import FifoChip, FifoImu
from hal.imu.icm20948 import Icm20948
from hal.imu.lsm6dsox import Lsm6dsox
from hal.imu.mounting import SIGNED_AXES, Mounting
from hal.samples import ImuSample, Vector
from hal.sim.chips.icm20948 import SimIcm20948
from hal.sim.chips.imu import G0_MPS2, Motion, SimImu
from hal.sim.chips.lsm6dsox import SimLsm6dsox
from hal.sim.clock import SimClock
from hal.sim.faults import Fault
from hal.sim.i2c import SimI2cBus

PERIOD_S = 0.01  # roughly, of every chip at its slowest rate


@dataclass(frozen=True, slots=True)
class Kind:
    """A chip and its driver."""

    address: int
    simulate: Callable[..., SimImu]
    drive: Callable[..., FifoChip]


ICM20948 = Kind(0x69, SimIcm20948, Icm20948)
LSM6DSOX = Kind(0x6A, SimLsm6dsox, Lsm6dsox)


def standing(t_s: float) -> tuple[Vector, Vector]:
    return (0.0, 0.0, G0_MPS2), (0.0, 0.0, 0.0)


def alive(t_s: float, width: float) -> float:
    """Moves by a little more than one LSB of any chip, as the noise of a sensor that lives does; 0 at 0 s."""
    return width * ((37.3 * t_s + 0.5) % 1 - 0.5)


def steady(t_s: float) -> tuple[Vector, Vector]:
    """As `leaning`, without anything that lives: for the simulated chips alone."""
    return (1.0, 2.0, G0_MPS2), (0.5, -1.0, 1.5)


def leaning(t_s: float) -> tuple[Vector, Vector]:
    """Six values that cannot be mistaken for each other, or for weightlessness."""
    a, g = alive(t_s, 0.006), alive(t_s, 0.003)
    return (1.0 + a, 2.0 + a, G0_MPS2 + a), (0.5 + g, -1.0 + g, 1.5 + g)


def telling_the_time(t_s: float) -> tuple[Vector, Vector]:
    """The forward axis says when it was measured: 100 m/s² is one second."""
    a, g = alive(t_s, 0.006), alive(t_s, 0.003)
    return (100 * (t_s % 1), a, G0_MPS2 + a), (g, g, g)


def lateness_s(sample: ImuSample) -> float:
    """How much later the sample's stamp is than the motion it measured."""
    return (sample.t_ns / 1e9 - sample.accel_mps2[0] / 100 + 0.5) % 1 - 0.5


def _mountings() -> Iterator[Mounting]:
    for names in itertools.product(SIGNED_AXES, repeat=3):
        try:
            yield Mounting(*names)
        except ValueError:  # the same axis twice, or a mirror image
            continue


MOUNTINGS = tuple(_mountings())


def vectors(limit: float) -> st.SearchStrategy[Vector]:
    component = st.floats(-limit, limit)
    return st.tuples(component, component, component)


class Worn:
    """A chip on a belt, without noise unless it is asked for, and the drivers opened for it one after the other."""

    def __init__(
        self,
        kind: Kind,
        motion: Motion = leaning,
        *,
        mounting: Mounting | None = None,
        noise: float = 0.0,
        byte_s: float = 0.0,
        **options: Any,
    ) -> None:
        """`options`: those of the simulated chip."""
        self.kind, self.clock = kind, SimClock()
        self.mounting = mounting or Mounting()
        self.chip: Any = kind.simulate(self.clock, motion, mounting=self.mounting, noise=noise, **options)
        self._byte_s = byte_s

    def bus(self) -> SimI2cBus:
        bus = SimI2cBus(self.clock, byte_s=self._byte_s)
        bus.add(self.kind.address, self.chip)
        return bus

    def open(self, bus: SimI2cBus | None = None, **settings: int) -> FifoImu:
        bus = bus or self.bus()
        chip = self.kind.drive(bus, self.clock, address=self.kind.address, **settings)
        return FifoImu(chip, bus, self.clock, self.mounting)

    def write(self, register: int, *values: int) -> None:
        """As somebody else on the bus would."""
        self.bus().write(self.kind.address, register, bytes(values))

    def read_for(self, imu: FifoImu, duration_s: float, step_s: float = 0.02) -> list[ImuSample]:
        samples = []
        end_ns = self.clock.now_ns() + round(duration_s * 1e9)
        while self.clock.now_ns() < end_ns:
            self.clock.sleep(step_s)
            samples += imu.read()
        return samples

    def outcomes(self, duration_s: float) -> Iterator[HalError | list[ImuSample]]:
        """What the device goes through: read every 20 ms; after an error, open again 0.1 s later."""
        imu: FifoImu | None = None
        end_ns = self.clock.now_ns() + round(duration_s * 1e9)
        while self.clock.now_ns() < end_ns:
            try:
                if imu is None:
                    imu = self.open()
                self.clock.sleep(0.02)
                yield imu.read()
            except HalError as error:
                yield error
                imu = None
                self.clock.sleep(0.1)


class Meddler(SimI2cBus):
    """A bus on which something happens before a transfer, or a read is changed on its way."""

    def __init__(self, worn: Worn) -> None:
        super().__init__(worn.clock)
        self.add(worn.kind.address, worn.chip)
        self.transfers = 0
        self.before: Callable[[int], None] = lambda transfer: None
        self.change: Callable[[int, bytes], bytes] = lambda register, answer: answer

    def read(self, address: int, register: int, count: int) -> bytes:
        self._count()
        return self.change(register, super().read(address, register, count))

    def write(self, address: int, register: int, data: bytes) -> None:
        self._count()
        super().write(address, register, data)

    def _count(self) -> None:
        self.transfers += 1
        self.before(self.transfers)


# What every driver must do


def check_any_motion_is_measured_to_one_lsb(
    kind: Kind, accel_g: Vector, gyro_dps: Vector, mounting: Mounting, settings: dict[str, int]
) -> None:
    """`accel_g` and `gyro_dps`: as fractions of the range. Not all of them 0, which no chip with noise measures."""
    if max(map(abs, (*accel_g, *gyro_dps))) < 0.001:
        return
    accel_mps2 = _scaled(accel_g, settings["accel_range_g"] * G0_MPS2)
    gyro_radps = _scaled(gyro_dps, math.radians(settings["gyro_range_dps"]))
    worn = Worn(kind, lambda t_s: (accel_mps2, gyro_radps), mounting=mounting)
    chip = kind.drive(worn.bus(), worn.clock, address=kind.address, **settings)
    imu = worn.open(**settings)
    worn.clock.sleep(0.02)
    samples = imu.read()
    assert samples
    for sample in samples:
        assert sample.accel_mps2 == pytest.approx(accel_mps2, abs=0.51 * chip.mps2_per_lsb)
        assert sample.gyro_radps == pytest.approx(gyro_radps, abs=0.51 * chip.radps_per_lsb)
        assert not sample.saturated


def _scaled(vector: Vector, scale: float) -> Vector:
    return (vector[0] * scale, vector[1] * scale, vector[2] * scale)


def check_what_exceeds_the_range_is_clipped_and_flagged(kind: Kind, axis: int, sign: int) -> None:
    values = [0.0] * 6
    values[axis] = sign * (500.0 if axis < 3 else 100.0)
    motion = ((values[0], values[1], values[2]), (values[3], values[4], values[5]))
    worn = Worn(kind, lambda t_s: motion)
    imu = worn.open()
    worn.clock.sleep(0.02)
    for sample in imu.read():
        measured = (*sample.accel_mps2, *sample.gyro_radps)
        assert sample.saturated
        full_scale = 16 * G0_MPS2 if axis < 3 else math.radians(2000)
        assert measured[axis] * sign == pytest.approx(full_scale, rel=0.15), "not its opposite"
        assert [value for i, value in enumerate(measured) if i != axis] == [0.0] * 5


def check_every_length_of_backlog_is_fetched_whole(kind: Kind, capacity: int, rate_hz: int) -> None:
    worn = Worn(kind, telling_the_time, clock_error=0.0)
    imu = worn.open(rate_hz=rate_hz)
    period_s = 1 / imu.info.output_hz
    last = imu.read()[-1]
    for frames in range(capacity + 1):
        worn.clock.sleep(frames * period_s)
        samples = imu.read()
        assert len(samples) == pytest.approx(frames, abs=1)
        for before, after in itertools.pairwise([last, *samples]):
            step_s = (after.accel_mps2[0] - before.accel_mps2[0]) / 100 % 1
            assert step_s == pytest.approx(period_s, abs=0.0002), "no sample is missing in between"
            assert after.t_ns > before.t_ns
        last = samples[-1] if samples else last


def check_more_than_the_fifo_can_be_trusted_with_is_thrown_away(kind: Kind) -> None:
    """37 frames of 12 bytes are 444 bytes; ArduPilot found what lies beyond 448 garbled."""
    worn = Worn(kind, clock_error=0.0)
    bus = Meddler(worn)
    imu = worn.open(bus)
    imu.read()
    worn.clock.sleep(36.5 / imu.info.output_hz)
    assert len(imu.read()) >= 36
    worn.clock.sleep(39 / imu.info.output_hz)
    bus.transfers = 0
    with pytest.raises(Overflow, match=r"held (38|39) frames .* can be trusted with 37 frames"):
        imu.read()
    assert bus.transfers < 10, "and is not even fetched"
    for sample in worn.read_for(imu, 0.5):
        assert sample.accel_mps2 == pytest.approx(leaning(0)[0], abs=0.01)


def check_a_frame_that_the_fifo_did_not_hold_is_refused(kind: Kind, count_register: int) -> None:
    """The count says one frame too many: the chip fills it up with its last byte."""
    worn = Worn(kind)
    bus = Meddler(worn)
    imu = worn.open(bus)
    worn.read_for(imu, 0.1)

    def one_too_many(register: int, answer: bytes) -> bytes:
        if register != count_register or len(answer) != 2:
            return answer
        return (int.from_bytes(answer, "big") + 12).to_bytes(2, "big")

    bus.change = one_too_many
    worn.clock.sleep(0.03)
    with pytest.raises(Overflow, match=r"a frame of its FIFO is 12 times 0x.* held less than its count said"):
        imu.read()
    bus.change = lambda register, answer: answer
    samples = worn.read_for(imu, 0.5)
    assert len(samples) > 40
    for sample in samples:
        assert sample.accel_mps2 == pytest.approx(leaning(0)[0], abs=0.01)


def check_stamps(kind: Kind, clock_error: float, gaps_s: list[float], byte_s: float) -> None:
    """Strictly increasing, never in the future, within one period of the truth."""
    worn = Worn(kind, telling_the_time, clock_error=clock_error, byte_s=byte_s)
    imu = worn.open()
    last_ns = 0
    for gap_s in gaps_s:
        worn.clock.sleep(gap_s)
        for sample in imu.read():
            assert last_ns < sample.t_ns <= worn.clock.now_ns()
            assert abs(lateness_s(sample)) < 0.0115 + 0.08 * gap_s  # a period, a filter's delay, an unmeasured rate
            last_ns = sample.t_ns


def check_a_brown_out_at_any_transfer_is_said_and_never_yields_a_wrong_sample(kind: Kind) -> None:
    """At each transfer of several reads: what is handed out is right, and nothing is once it has happened."""
    for moment in range(1, 31):
        worn = Worn(kind)
        bus = Meddler(worn)
        imu = worn.open(bus)
        imu.read()
        bus.transfers = 0
        bus.before = partial(_power_cycle_at, worn.chip, moment)
        for _ in range(10):
            worn.clock.sleep(0.02)
            happened = bus.transfers >= moment
            try:
                samples = imu.read()
            except HalError:
                assert bus.transfers >= moment
                continue
            assert not happened
            assert all(sample.accel_mps2 == pytest.approx(leaning(0)[0], abs=0.01) for sample in samples)
        assert bus.transfers >= moment
        assert worn.read_for(worn.open(), 0.1), "opened anew it measures again"


def _power_cycle_at(chip: SimImu, moment: int, transfer: int) -> None:
    if transfer == moment:
        chip.power_cycle()


def check_a_brown_out_while_it_is_opened_is_said_or_harmless(kind: Kind) -> None:
    """At each transfer of `open`. Harmless: before the chip is reset anyway."""
    for moment in itertools.count(1):
        worn = Worn(kind)
        bus = Meddler(worn)
        bus.before = partial(_power_cycle_at, worn.chip, moment)
        try:
            imu = worn.open(bus)
            opened_with = bus.transfers
            samples = worn.read_for(imu, 0.1)
        except HalError:
            continue
        assert all(sample.accel_mps2 == pytest.approx(leaning(0)[0], abs=0.01) for sample in samples)
        if moment > opened_with:
            return


FAULT_ERRORS: tuple[tuple[str, tuple[type[HalError], ...]], ...] = (
    ("off", (BusError,)),
    ("garbage", (WrongConfig, BusError, Overflow)),
    ("wrong", (WrongConfig,)),
    ("slow", (NoData, TooSlow)),
    ("delayed", (BusError,)),
    ("intermittent", (BusError,)),
)
"""The words of hal/sim/faults.py that a driver can see, and what it says of each at first."""


def check_a_fault_is_told_in_time_and_measured_past(kind: Kind, word: str, errors: tuple[type[HalError], ...]) -> None:
    worn = Worn(kind, fault=Fault(word, "imu", 2.0, 6.0))
    outcomes = [(worn.clock.now_ns() / 1e9, outcome) for outcome in worn.outcomes(9.0)]
    failures = [(t_s, outcome) for t_s, outcome in outcomes if isinstance(outcome, HalError)]
    first_s, last_s = failures[0][0], failures[-1][0]
    assert isinstance(failures[0][1], errors)
    assert 2.0 <= first_s < 2.9
    assert last_s < 6.5
    samples = [(t_s, sample) for t_s, outcome in outcomes if isinstance(outcome, list) for sample in outcome]
    assert len([t_s for t_s, _ in samples if t_s > last_s]) > 200
    for _, sample in samples:
        assert sample.accel_mps2 == pytest.approx(leaning(0)[0], abs=0.01), "never a wrong one"


# The simulated chips themselves


class Bench:
    """A simulated chip without a driver."""

    def __init__(self, kind: Kind, motion: Motion = steady, *, noise: float = 0.0, **options: Any) -> None:
        self.clock, self._address = SimClock(), kind.address
        self.chip: Any = kind.simulate(self.clock, motion, noise=noise, clock_error=0.0, **options)
        self._bus = SimI2cBus(self.clock)
        self._bus.add(kind.address, self.chip)

    def get(self, register: int, count: int = 1) -> bytes:
        return self._bus.read(self._address, register, count)

    def put(self, register: int, *values: int) -> None:
        self._bus.write(self._address, register, bytes(values))


def check_the_faults_bite(bench_for: Callable[[Fault], Bench], who_am_i: int, id_register: int) -> None:
    """Those that are the same for every chip: what is read during the fault, and that it is over afterwards."""
    for word in ("off", "intermittent", "garbage", "delayed"):
        bench = bench_for(Fault(word, "imu", 1.0, 3.0))
        answers = []
        for _ in range(200):
            start_ns = bench.clock.now_ns()
            try:
                right = bench.get(id_register)[0] == who_am_i
            except BusError:
                right = False
            late = bench.clock.now_ns() - start_ns >= 200_000_000
            answers.append((start_ns / 1e9, right and not late))
            bench.clock.sleep(0.02)
        assert all(right for t_s, right in answers if not 1.0 <= t_s < 3.0)
        during = [right for t_s, right in answers if 1.0 <= t_s < 3.0]
        assert 0.3 < sum(during) / len(during) < 0.9 if word == "intermittent" else sum(during) <= 2, word
