"""What the BNO055 driver says of a wrong, failing or vanished chip, and that it measures again afterwards."""

from collections.abc import Iterator

import pytest
from bno055_rig import G0_MPS2, Meddler, Worn
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.config import ImuConfig
from hal.errors import BusError, DeviceNotFound, HalError, NoData, Overflow, WrongConfig, WrongDevice
from hal.imu.bno055 import Bno055
from hal.imu.bno055_registers import OTHER_IDS
from hal.imu.find import make_imu
from hal.samples import ImuSample
from hal.sim.clock import SimClock
from hal.sim.faults import Fault
from hal.sim.i2c import SimI2cBus

PAGE_0_DATA = 0x07
TOLERANCE_MPS2 = 0.12  # six times the chip's noise, and one LSB


def outcomes(worn: Worn, end_s: float) -> Iterator[HalError | list[ImuSample]]:
    """What the device goes through: read every 20 ms; after an error, open again 0.1 s later."""
    imu: Bno055 | None = None
    while worn.clock.now_ns() < end_s * 1e9:
        due_ns = worn.clock.now_ns() + 20_000_000
        try:
            imu = imu or worn.open()
            yield imu.read()
            worn.clock.advance_to(max(due_ns, worn.clock.now_ns()))
        except HalError as error:
            yield error
            imu = None
            worn.clock.sleep(0.1)


# Which chip it is


def test_an_empty_socket_is_told_with_its_address_and_with_what_a_pi_gets_wrong() -> None:
    clock = SimClock()
    with pytest.raises(DeviceNotFound, match=r"IMU at 0x29: not found; .*no answer at 0x29; .*dtoverlay=i2c-gpio"):
        Bno055(SimI2cBus(clock), clock, address=0x29)


def test_every_other_chip_is_refused_by_its_id() -> None:
    for who_am_i in set(range(256)) - {0xA0}:
        name = OTHER_IDS.get(who_am_i, "")
        with pytest.raises(WrongDevice, match=rf"CHIP_ID is {who_am_i:#04x}.*{name}.*, expected 0xa0 \(BNO055\)"):
            Worn(who_am_i=who_am_i).open()


@pytest.mark.parametrize(("place", "name", "expected"), [(1, "ACC_ID", "0xfb"), (3, "GYR_ID", "0x0f")])
def test_a_chip_whose_sensors_are_others_is_refused(place: int, name: str, expected: str) -> None:
    for value in set(range(256)) - {int(expected, 16)}:
        worn = Worn()
        bus = Meddler(worn)

        def other(register: int, answer: bytes, value: int = value) -> bytes:
            if (register, len(answer)) != (0x00, 4):
                return answer
            return answer[:place] + bytes([value]) + answer[place + 1 :]

        bus.meddle = other
        with pytest.raises(WrongDevice, match=f"{name} is {value:#04x}, expected {expected}"):
            worn.open(bus=bus)


def test_a_chip_left_on_its_other_page_is_still_known() -> None:
    worn = Worn()
    worn.bus().write(0x28, 0x07, b"\x01")
    assert worn.open().read()
    worn.bus().write(0x28, 0x07, b"\x01")  # a guard was killed while it looked at its settings
    assert make_imu(ImuConfig(), worn.bus(), worn.clock).info.model == "BNO055"


@pytest.mark.parametrize(
    ("result", "failed"), [(0x0E, "accelerometer"), (0x0B, "gyroscope"), (0x07, "microcontroller")]
)
def test_a_failed_power_on_self_test_is_named(result: int, failed: str) -> None:
    worn = Worn()
    bus = Meddler(worn)
    bus.meddle = lambda register, answer: bytes([result]) if register == 0x36 else answer
    with pytest.raises(NoData, match=rf"power-on self-test failed: {failed} \(ST_RESULT is {result:#04x}\)"):
        worn.open(bus=bus)


def test_a_failed_magnetometer_is_nothing_to_us() -> None:
    worn = Worn()
    bus = Meddler(worn)
    bus.meddle = lambda register, answer: b"\x0d" if register == 0x36 else answer
    assert worn.open(bus=bus).read()


# Whether it has to be reset


def test_a_chip_that_would_not_survive_a_reset_is_opened_tested_and_opened_again() -> None:
    worn = Worn(dies_of_reset=True)
    assert worn.open().read()
    imu = worn.open()  # it is measuring; whoever opened it was killed
    assert all(test.passed for test in imu.self_test())
    assert worn.read_for(imu, 1.0)


def test_a_chip_that_takes_no_mode_is_reset_though_it_does_not_acknowledge_that() -> None:
    worn = Worn()
    worn.open()
    bus = Hung(worn)
    assert worn.open(bus=bus).read()
    assert not bus.hangs


class Hung(Meddler):
    """The chip's program takes nothing but a reset."""

    def __init__(self, worn: Worn) -> None:
        super().__init__(worn)
        self.hangs = True

    def write(self, address: int, register: int, data: bytes) -> None:
        if (register, data) == (0x3F, b"\x20"):
            self.hangs = False
        if not self.hangs or register == 0x07:
            super().write(address, register, data)


def test_a_chip_that_answers_before_it_has_its_number_is_waited_for() -> None:
    worn = Worn()
    worn.open()
    bus = Hung(worn)
    from_ns = worn.clock.now_ns()

    def late(register: int, answer: bytes) -> bytes:
        starting = 0.65 < (worn.clock.now_ns() - from_ns) / 1e9 < 0.75
        return bytes(len(answer)) if starting and register == 0x00 else answer

    bus.meddle = late
    assert worn.open(bus=bus).read()


# Whether it kept its settings


@settings(deadline=None, max_examples=80)
@given(phase_s=st.floats(0.0, 0.08), silent=st.booleans(), wait_s=st.floats(0.0, 0.09))
def test_a_reset_at_any_moment_is_an_error_and_never_weightlessness(
    phase_s: float, silent: bool, wait_s: float
) -> None:
    """`silent`: read while it starts; otherwise not before it answers again, in CONFIGMODE."""
    worn = Worn()
    imu = worn.open()
    worn.clock.call_at(worn.clock.now_ns() + round((0.2 + phase_s) * 1e9), worn.chip.power_cycle)
    samples: list[ImuSample] = []
    with pytest.raises(BusError, match="no answer"):
        worn.read_for(imu, 0.4, into=samples)
    assert len(samples) >= 18
    for sample in samples:
        assert sample.accel_mps2 == pytest.approx((0.0, 0.0, G0_MPS2), abs=TOLERANCE_MPS2)
    worn.clock.sleep(wait_s if silent else 0.7)
    with pytest.raises((BusError, WrongConfig, Overflow)):
        imu.read()
    worn.clock.sleep(0.7)
    for _ in range(3):
        worn.clock.sleep(0.02)
        with pytest.raises((WrongConfig, Overflow)):
            imu.read()
    assert worn.read_for(worn.open(), 0.1)


def test_a_chip_that_reset_is_named_with_what_to_check() -> None:
    worn = Worn()
    imu = worn.open()
    worn.read_for(imu, 0.1)
    worn.chip.power_cycle()
    worn.chip._silent_until_ns = 0  # as if it had started within one poll
    with pytest.raises(
        WrongConfig, match=r"OPR_MODE is 0x00, expected 0x05; the chip lost its settings .*3.3 V supply"
    ):
        imu.read()


@pytest.mark.parametrize(
    ("page", "register", "value", "name"),
    [
        (0, 0x3B, 0x01, "UNIT_SEL"),  # mg instead of m/s²: everything would be a hundredth
        (0, 0x3B, 0x02, "UNIT_SEL"),
        (0, 0x3D, 0x10, "OPR_MODE"),
        (0, 0x3D, 0x18, "OPR_MODE"),
        (0, 0x3E, 0x01, "PWR_MODE"),
    ],
)
def test_no_sample_is_handed_out_in_other_units_or_another_mode(
    page: int, register: int, value: int, name: str
) -> None:
    worn = Worn()
    imu = worn.open()
    worn.read_for(imu, 0.5)
    worn.chip._pages[page][register] = value
    with pytest.raises(WrongConfig, match=f"IMU at 0x28: {name} is "):
        imu.read()


@pytest.mark.parametrize(
    ("page", "register", "value", "name"),
    [
        (0, 0x41, 0x21, "AXIS_MAP_CONFIG"),
        (0, 0x42, 0x04, "AXIS_MAP_SIGN"),
        (1, 0x08, 0x0D, "ACC_Config"),
        (1, 0x0A, 0x38, "GYR_Config_0"),
        (1, 0x0B, 0x03, "GYR_Config_1"),
    ],
)
def test_a_lost_range_or_axis_is_seen_within_a_second(page: int, register: int, value: int, name: str) -> None:
    worn = Worn()
    imu = worn.open()
    worn.read_for(imu, 0.5)
    worn.chip._pages[page][register] = value
    with pytest.raises(WrongConfig, match=f"{name} is {value:#04x}, expected"):
        worn.read_for(imu, 1.05)


def test_a_setting_that_does_not_hold_is_refused_when_the_chip_is_opened() -> None:
    worn = Worn()
    bus = Meddler(worn)
    bus.meddle = lambda register, answer: b"\x0d" if (register, len(answer)) == (0x08, 1) else answer
    with pytest.raises(WrongConfig, match="ACC_Config is 0x0d, expected 0x0f"):
        worn.open(bus=bus)


def test_a_page_left_turned_is_seen_before_its_numbers_are_taken_for_motion() -> None:
    worn = Worn()
    imu = worn.open()
    worn.bus().write(0x28, 0x07, b"\x01")
    with pytest.raises(WrongConfig, match="PAGE_ID is 0x01, expected 0x00"):
        imu.read()


def test_a_system_error_is_told_with_its_number() -> None:
    worn = Worn()
    imu = worn.open()
    worn.chip._pages[0][0x39], worn.chip._pages[0][0x3A] = 1, 0x0A
    with pytest.raises(NoData, match="system error 0x0a"):
        imu.read()


def test_a_bit_flipped_by_clock_stretching_is_no_impact() -> None:
    worn = Worn()
    bus = Meddler(worn)
    imu = worn.open(bus=bus)

    def flip_the_sign(register: int, answer: bytes) -> bytes:
        return answer[:6] + bytes([answer[6] | 0x80]) + answer[7:] if register == PAGE_0_DATA else answer

    bus.meddle = flip_the_sign
    with pytest.raises(BusError, match=r"acceleration reads .* 15691 is the most that it can measure; .*i2c-gpio"):
        imu.read()


def test_readings_that_stay_the_same_are_an_error_within_a_tenth_of_a_second_and_no_samples() -> None:
    worn = Worn(fault=Fault("stuck", "imu", 2.0))
    imu = worn.open()
    worn.read_for(imu, 1.2)
    with pytest.raises(NoData, match=r"only [78] of its last 12 readings were new ones, expected 9 or more"):
        worn.read_for(imu, 2.0)
    assert worn.clock.now_ns() / 1e9 < 2.1
    for _ in range(5):
        worn.clock.sleep(0.01)
        with pytest.raises(NoData):
            imu.read()


def test_a_chip_that_never_takes_a_reading_is_refused_when_it_is_opened() -> None:
    worn = Worn()
    bus = Meddler(worn)
    bus.meddle = lambda register, answer: bytes(19) if (register, len(answer)) == (PAGE_0_DATA, 19) else answer
    with pytest.raises(NoData, match=r"no reading within 0.1 s"):
        worn.open(bus=bus)


def test_readings_of_nothing_but_zero_are_no_weightlessness() -> None:
    worn = Worn()
    bus = Meddler(worn)
    imu = worn.open(bus=bus)
    bus.meddle = lambda register, answer: bytes(19) if (register, len(answer)) == (PAGE_0_DATA, 19) else answer
    samples: list[ImuSample] = []
    with pytest.raises(NoData, match="were new ones"):
        worn.read_for(imu, 0.2, into=samples)
    assert not samples


# The failure words, from 1 s to 3 s; what a device that opens the chip again after each error goes through


EXPECTED: dict[str, dict[type[HalError], str]] = {
    "off": {BusError: "no answer at 0x28", DeviceNotFound: "not found; .*no answer"},
    "stuck": {NoData: "were new ones"},
    "garbage": {
        WrongConfig: "expected",
        WrongDevice: "CHIP_ID is 0x",
        BusError: "the most that it can measure",
        NoData: "",
    },
    "wrong": {WrongConfig: "OPR_MODE is 0x00, expected 0x05"},
    "slow": {NoData: "were new ones"},
    "delayed": {BusError: "a transfer took 200 ms, expected at most 50 ms", Overflow: "nobody read it"},
    "intermittent": {BusError: "no answer at 0x28", DeviceNotFound: "not found"},
}


@pytest.mark.parametrize("word", EXPECTED)
def test_a_failing_chip_is_reported_and_measures_again_afterwards(word: str) -> None:
    worn = Worn(fault=Fault(word, "imu", 1.0, 3.0))
    seen: list[tuple[float, HalError | list[ImuSample]]] = []
    for outcome in outcomes(worn, 6.0):
        seen.append((worn.clock.now_ns() / 1e9, outcome))
    assert not [what for t_s, what in seen if t_s < 1.0 and isinstance(what, HalError)]
    errors = [what for t_s, what in seen if 1.0 <= t_s < 3.0 and isinstance(what, HalError)]
    assert errors
    for error in errors:
        with pytest.raises(tuple(EXPECTED[word]), match=EXPECTED[word][type(error)]):
            raise error
    first_s = next(t_s for t_s, what in seen if isinstance(what, HalError))
    assert first_s - 1.0 <= (0.9 if word == "intermittent" else 0.25)
    after = [what for t_s, what in seen if t_s > 4.3]
    assert not [what for what in after if isinstance(what, HalError)]
    assert sum(len(what) for what in after if isinstance(what, list)) > 150


@pytest.mark.parametrize("word", ["off", "garbage", "wrong", "delayed"])
def test_while_it_fails_no_opened_chip_passes_for_a_sound_one(word: str) -> None:
    worn = Worn(fault=Fault(word, "imu", 0.0))
    for _ in range(5):
        with pytest.raises(HalError):
            worn.open()
        worn.clock.sleep(0.5)


def test_no_reading_under_any_failure_is_a_motion_that_did_not_happen() -> None:
    for word in EXPECTED:
        worn = Worn(fault=Fault(word, "imu", 1.0, 3.0))
        for outcome in outcomes(worn, 4.0):
            for sample in outcome if isinstance(outcome, list) else []:
                assert sample.accel_mps2 == pytest.approx((0.0, 0.0, G0_MPS2), abs=TOLERANCE_MPS2), word
