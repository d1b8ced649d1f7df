"""What every motion sensor's driver promises when something goes wrong, on simulated chips of every model."""

import contextlib
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.config import BoardConfig, ImuConfig
from hal.errors import BusError, HalError, Overflow, StuckAxis, WrongDevice
from hal.i2c import TIME_LIMIT_S
from hal.imu.find import MODELS, make_imu
from hal.imu.imu import Imu
from hal.imu.mounting import Mounting
from hal.samples import ImuSample, Vector
from hal.sim.chips.imu import Motion, SimImu
from hal.sim.clock import SimClock
from hal.sim.faults import WORDS, Fault
from hal.sim.i2c import ARBITRATION_LOST, HELD_LOW, NOT_ACKNOWLEDGED, STRETCHED, SimI2cBus, SimWires, Trouble
from hal.sim.motion_sensor import CHIPS

G0_MPS2 = 9.80665
TURN_S = 0.02
MOTION: tuple[Vector, Vector] = ((2.0, -3.0, 9.0), (0.5, -1.0, 1.5))
ACCEL_TOLERANCE_MPS2, GYRO_TOLERANCE_RADPS = 0.2, 0.06  # five times the noise of the noisiest chip, and a step
MOUNTINGS = (("+x", "+y", "+z"), ("-z", "+x", "-y"), ("+y", "-x", "+z"), ("+z", "-y", "+x"))

every_model = pytest.mark.parametrize("model", MODELS)


def moving(t_s: float) -> tuple[Vector, Vector]:
    return MOTION


def telling_the_time(t_s: float) -> tuple[Vector, Vector]:
    """40 m/s² forward are one second; the other axes move by more than a step, as those of a sensor that lives do."""
    alive = 37.3 * t_s % 1
    a, g = 0.03 * alive, 0.003 * alive
    return (40 * (t_s % 1), a, G0_MPS2 + a), (g, g, g)


class Rig:
    """One simulated chip on its wires, and the drivers opened for it one after the other."""

    def __init__(self, model: str, motion: Motion = moving, config: ImuConfig | None = None, **options: object) -> None:
        self.clock, self.wires = SimClock(), SimWires()
        self.config = config or ImuConfig(model=model)  # type: ignore[arg-type]
        address, make = CHIPS[model]
        self.chip: SimImu = make(self.clock, motion, mounting=self.config.mounting, **options)
        self.wires.chips[address] = self.chip

    def open(self) -> Imu:
        return make_imu(self.config, SimI2cBus(self.clock, byte_s=22.5e-6, wires=self.wires), self.clock)

    def turn(self, imu: Imu) -> list[ImuSample]:
        """Read once, 20 ms after the last time."""
        start_ns = self.clock.now_ns()
        samples = imu.read()
        self.clock.sleep(max(0.0, TURN_S - (self.clock.now_ns() - start_ns) / 1e9))
        return samples

    def turn_until(self, until_ns: int, imu: Imu) -> None:
        while self.clock.now_ns() < until_ns:
            self.turn(imu)

    def outcomes(self, duration_s: float) -> list[tuple[float, HalError | list[ImuSample]]]:
        """What the device goes through: after an error it opens the chip again, 0.25 s later."""
        found: list[tuple[float, HalError | list[ImuSample]]] = []
        imu: Imu | None = None
        until_ns = self.clock.now_ns() + round(duration_s * 1e9)
        while self.clock.now_ns() < until_ns:
            try:
                imu = imu or self.open()
                samples = self.turn(imu)
                found.append((self.clock.now_ns() / 1e9, samples))
            except HalError as error:
                found.append((self.clock.now_ns() / 1e9, error))
                if imu is not None:
                    imu.close()
                imu = None
                self.clock.sleep(0.25)
        return found


def check_true(samples: list[ImuSample], motion: tuple[Vector, Vector] = MOTION) -> None:
    for sample in samples:
        assert sample.accel_mps2 == pytest.approx(motion[0], abs=ACCEL_TOLERANCE_MPS2)
        assert sample.gyro_radps == pytest.approx(motion[1], abs=GYRO_TOLERANCE_RADPS)


# What is measured


@every_model
@pytest.mark.parametrize("axes", MOUNTINGS, ids="".join)
@pytest.mark.parametrize("ranges", [(100, 8, 1000), (200, 16, 2000)], ids=str)
def test_motion_is_measured_in_body_axes_at_every_mounting_and_range(
    model: str, axes: tuple[str, str, str], ranges: tuple[int, int, int]
) -> None:
    forward, left, up = axes
    rate_hz, accel_g, gyro_dps = ranges
    config = ImuConfig(
        model=model,  # type: ignore[arg-type]
        rate_hz=rate_hz,
        accel_range_g=accel_g,
        gyro_range_dps=gyro_dps,
        forward=forward,
        left=left,
        up=up,
    )
    assert config.mounting == Mounting(*axes)
    rig = Rig(model, config=config)
    imu = rig.open()
    samples = [sample for _ in range(10) for sample in rig.turn(imu)]
    assert len(samples) >= 0.15 * rate_hz
    check_true(samples)
    assert not any(sample.saturated for sample in samples)


@every_model
@pytest.mark.parametrize("axis", range(6))
def test_what_exceeds_the_range_is_flagged_and_keeps_its_sign(model: str, axis: int) -> None:
    values = [0.0] * 6
    values[axis] = -300.0 if axis < 3 else -60.0
    motion = ((values[0], values[1], values[2]), (values[3], values[4], values[5]))
    rig = Rig(model, lambda t_s: motion)
    imu = rig.open()
    samples = [sample for _ in range(5) for sample in rig.turn(imu)][-5:]
    assert samples
    for sample in samples:
        assert sample.saturated
        measured = (*sample.accel_mps2, *sample.gyro_radps)[axis]
        assert measured < (-15.9 * G0_MPS2 if axis < 3 else math.radians(-1990))


@every_model
@settings(deadline=None, max_examples=15)
@given(clock_error=st.floats(-0.05, 0.05))
def test_stamps_lie_within_one_period_of_the_truth(model: str, clock_error: float) -> None:
    rig = Rig(model, telling_the_time, clock_error=clock_error, noise=0.0)
    imu = rig.open()
    last_ns = 0
    for turn in range(120):
        for sample in rig.turn(imu):
            lateness_s = (sample.t_ns / 1e9 - sample.accel_mps2[0] / 40 + 0.5) % 1 - 0.5
            assert sample.t_ns > last_ns
            last_ns = sample.t_ns
            if turn > 5:
                assert abs(lateness_s) < 1.15 / imu.info.output_hz


@every_model
def test_all_256_ids_but_its_own_are_refused(model: str) -> None:
    refused = {}
    for who_am_i in range(256):
        try:
            Rig(model, who_am_i=who_am_i).open().close()
        except WrongDevice as error:
            refused[who_am_i] = str(error)
    assert 254 <= len(refused) <= 255
    for who_am_i, said in refused.items():
        assert f"{who_am_i:#04x}" in said
        assert "imu.model" in said


# What goes wrong


@every_model
@pytest.mark.parametrize("word", [word for word in WORDS if word != "ok"])
def test_each_failure_is_told_or_shows_itself_gives_no_wrong_sample_and_is_over_when_it_is_over(
    model: str, word: str
) -> None:
    rig = Rig(model, fault=Fault(word, "imu", 2.0, 5.0))
    outcomes = rig.outcomes(8.0)
    errors = [(t_s, found) for t_s, found in outcomes if isinstance(found, HalError)]
    samples = [(t_s, sample) for t_s, found in outcomes if isinstance(found, list) for sample in found]
    if word == "stuck":
        during = [(s.accel_mps2, s.gyro_radps) for t_s, s in samples if 2.2 < t_s < 4.9]
        assert errors or len(set(during)) == 1, "bit-identical, which the core notices"
    else:
        assert errors
        assert errors[0][0] <= 3.0
    assert not [found for t_s, found in errors if t_s < 2.0 or t_s > 6.5]
    for _, sample in samples:
        assert sample.accel_mps2 == pytest.approx(MOTION[0], abs=0.3)
    assert len([t_s for t_s, _ in samples if t_s > 6.5]) > 100


@every_model
@pytest.mark.parametrize("trouble", [HELD_LOW, STRETCHED, NOT_ACKNOWLEDGED, ARBITRATION_LOST], ids=lambda t: t.code)
def test_trouble_on_the_wires_is_told_within_the_time_limit_and_passes(model: str, trouble: Trouble) -> None:
    rig = Rig(model)
    imu = rig.open()
    check_true(rig.turn(imu))
    rig.wires.trouble = trouble
    for _ in range(3):
        start_ns = rig.clock.now_ns()
        with pytest.raises((BusError, Overflow)):  # a BNO055 that was not read in time says that first
            imu.read()
        assert rig.clock.now_ns() - start_ns <= (TIME_LIMIT_S + TURN_S) * 1e9
        start_ns = rig.clock.now_ns()
        with pytest.raises(HalError):
            rig.open()
        assert rig.clock.now_ns() - start_ns <= TIME_LIMIT_S * 1e9
    rig.wires.trouble = None
    imu = rig.open()
    samples = [sample for _ in range(20) for sample in rig.turn(imu)]
    check_true(samples)
    assert len(samples) > 30


@every_model
@settings(deadline=None, max_examples=20)
@given(after_s=st.floats(0.0, 1.5))
def test_a_brown_out_at_any_moment_never_looks_like_free_fall(model: str, after_s: float) -> None:
    rig = Rig(model)
    imu = rig.open()
    rig.clock.call_at(rig.clock.now_ns() + round(after_s * 1e9), rig.chip.power_cycle)
    errors = 0
    for _ in range(200):
        try:
            check_true(rig.turn(imu))
        except HalError:
            errors += 1
            rig.clock.sleep(TURN_S)
    assert errors
    rig.clock.sleep(1.0)
    imu = rig.open()
    check_true(rig.turn(imu) + rig.turn(imu))


@every_model
@pytest.mark.parametrize("axis", range(6))
def test_a_broken_axis_fails_the_self_test(model: str, axis: int) -> None:
    rig = Rig(model, lambda t_s: ((0.0, 0.0, G0_MPS2), (0.0, 0.0, 0.0)), broken_axes={axis})
    failed = [test.axis for test in rig.open().self_test() if not test.passed]
    assert failed
    assert all(name.startswith("gyr" if axis >= 3 else "acc") for name in failed)


@every_model
def test_the_default_configuration_finds_it(model: str) -> None:
    rig = Rig(model, config=BoardConfig().imu)
    imu = rig.open()
    assert imu.info.model == MODELS[model].name
    check_true(rig.turn(imu))


# Axes that die


@every_model
@pytest.mark.parametrize("axis", range(6))
def test_an_axis_that_freezes_is_named_while_the_others_live_and_is_well_when_it_moves_again(
    model: str, axis: int
) -> None:
    rig = Rig(model)
    imu = rig.open()
    check_true([sample for _ in range(60) for sample in rig.turn(imu)])
    rig.chip.freeze(axis, rig.clock.now_ns() / 1e9)
    limit_s = 0.7 if axis < 3 else 6.0
    until_ns = rig.clock.now_ns() + round(limit_s * 1e9)
    what = f"{'accelerometer' if axis < 3 else 'gyroscope'}'s {'xyz'[axis % 3]} axis has read"
    with pytest.raises(StuckAxis, match=what):
        rig.turn_until(until_ns, imu)
    for _ in range(20):
        with contextlib.suppress(StuckAxis):
            assert not imu.read()
        rig.clock.sleep(TURN_S)
    rig.chip.thaw()
    for _ in range(20):  # a gyroscope whose noise is below one step takes a few samples to move
        with contextlib.suppress(StuckAxis):
            imu.read()
        rig.clock.sleep(TURN_S)
    check_true([sample for _ in range(40) for sample in rig.turn(imu)])


@every_model
@pytest.mark.parametrize("word", [32767, -32768])
@pytest.mark.parametrize("axis", range(6))
def test_an_axis_at_the_end_of_its_range_is_named_within_a_second(model: str, axis: int, word: int) -> None:
    rig = Rig(model)
    imu = rig.open()
    rig.chip.freeze(axis, rig.clock.now_ns() / 1e9, word)
    until_ns = rig.clock.now_ns() + 10**9
    with pytest.raises(StuckAxis, match="the end of its range"):
        rig.turn_until(until_ns, imu)


@every_model
@pytest.mark.parametrize(("rate_hz", "accel_g", "gyro_dps"), [(100, 16, 2000), (200, 16, 2000), (200, 8, 1000)])
def test_a_sound_chip_on_a_table_is_never_called_stuck(model: str, rate_hz: int, accel_g: int, gyro_dps: int) -> None:
    config = ImuConfig(model=model, rate_hz=rate_hz, accel_range_g=accel_g, gyro_range_dps=gyro_dps)  # type: ignore[arg-type]
    motion = ((0.0, 0.0, G0_MPS2), (0.0, 0.0, 0.0))
    rig = Rig(model, lambda t_s: motion, config=config)
    imu = rig.open()
    for _ in range(1000):
        rig.turn(imu)
