"""The MAX17048's driver on a simulated one: what is known, what is not yet, and what no cell can be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from power_rig import Cell, max17048_rig

from hal.errors import BusError, DeviceNotFound, WrongConfig, WrongDevice
from hal.power.gauge import LEAST_CELL_V, MOST_CELL_V, BatteryReading
from hal.power.max17048 import is_version
from hal.sim.chips.max17048 import CMD, CONFIG, CRATE, HIBRT, RESET, SOC, STATUS, VCELL
from hal.sim.clock import SimClock
from hal.sim.faults import WORDS, Fault
from hal.sim.i2c import SimI2cBus

VOLT_LSB, SHARE_LSB = 78.125e-6, 1 / 25600


class Falling(Cell):
    """By one LSB and more from reading to reading."""

    def voltage_v(self, t_s: float) -> float:
        return 4.2 - t_s / 1e3


@given(full=st.floats(0.0, 1.0), volts=st.floats(LEAST_CELL_V + VOLT_LSB, MOST_CELL_V - VOLT_LSB))
def test_charge_and_voltage_come_through_the_registers_within_one_lsb(full: float, volts: float) -> None:
    reading = max17048_rig(Cell(full, volts)).max17048().read()
    assert reading.share == pytest.approx(full, abs=SHARE_LSB)
    assert reading.voltage_v == pytest.approx(volts, abs=VOLT_LSB)
    assert reading.current_a is None


def test_every_word_of_charge_is_a_share_or_an_error() -> None:
    for word in range(0, 0x10000, 16):
        gauge = max17048_rig(Cell(word * SHARE_LSB)).max17048()
        if word > 110 * 256:
            with pytest.raises(BusError, match="at most 110%"):
                gauge.read()
        else:
            assert gauge.read().share == pytest.approx(min(word * SHARE_LSB, 1.0))


@pytest.mark.parametrize("volts", [0.0, 2.39, 4.61, 5.12])
def test_voltage_that_no_cell_has_is_an_error_that_says_so(volts: float) -> None:
    gauge = max17048_rig(Cell(0.5, volts)).max17048()
    with pytest.raises(BusError, match=r"fuel gauge at 0x36: a cell of .* V .*, expected 2\.4 to 4\.6 V.*check"):
        gauge.read()


def test_cell_that_charged_a_little_above_full_is_full() -> None:
    assert max17048_rig(Cell(1.04)).max17048().read().share == 1.0


def test_only_the_versions_of_this_family_are_accepted() -> None:
    assert [version for version in range(0x10000) if is_version(version)] == [*range(0x0010, 0x0020)]


@pytest.mark.parametrize(("version", "says"), [(0x0003, "MAX17043"), (0, "reads low"), (0xFFFF, "reads high"), (9, "")])
def test_another_chip_is_named_with_what_was_expected(version: int, says: str) -> None:
    rig = max17048_rig(Cell(), version=version)
    with pytest.raises(WrongDevice, match=rf"VERSION is {version:#06x}.*{says}.*expected 0x001_.*power\.gauge"):
        rig.max17048()
    assert rig.bus.closings == 1


def test_gauge_without_a_cell_is_not_found() -> None:
    rig = max17048_rig(Cell(), fault=Fault("off", "power", start_s=0.0))
    with pytest.raises(DeviceNotFound, match=r"fuel gauge at 0x36: not found; .*0x36"):
        rig.max17048()
    assert rig.bus.closings == 1


def test_nothing_is_known_of_a_cell_that_was_just_connected_until_the_first_estimate() -> None:
    rig = max17048_rig(Cell(0.62), fresh=True)
    gauge = rig.max17048()
    while rig.clock.now_ns() < 2e9:
        assert gauge.read() == BatteryReading()
        rig.clock.sleep(0.25)
    assert gauge.read().share == pytest.approx(0.62, abs=SHARE_LSB)


def test_opening_anew_keeps_what_the_chip_has_learned() -> None:
    rig = max17048_rig(Cell(0.62), fresh=True)
    first = rig.max17048()
    rig.clock.sleep(3.0)
    first.close()
    assert rig.max17048().read().share == pytest.approx(0.62, abs=SHARE_LSB)


def test_reset_in_between_is_an_error_and_no_charge_of_nothing() -> None:
    rig = max17048_rig(Cell())
    gauge = rig.max17048()
    gauge.read()
    rig.chip.take(CMD, RESET)
    with pytest.raises(WrongConfig, match=r"HIBRT is 0x8030, expected 0x00"):
        gauge.read()


def test_reset_that_left_the_settings_alone_is_seen_by_its_indicator() -> None:
    rig = max17048_rig(Cell())
    gauge = rig.max17048()
    rig.chip.words[STATUS] |= 0x0100
    with pytest.raises(WrongConfig, match=r"was reset.*check the plug of the battery"):
        gauge.read()


def test_chip_that_was_asleep_is_woken_and_does_not_hibernate() -> None:
    rig = max17048_rig(Cell())
    rig.chip.words[CONFIG] |= 0x0080
    gauge = rig.max17048()
    assert rig.chip.words[CONFIG] & 0x0080 == 0
    assert rig.chip.words[HIBRT] == 0
    rig.clock.sleep(1000.0)
    rig.chip.world.volts = 3.61  # type: ignore[attr-defined]  # the rig's own cell
    assert gauge.read().voltage_v == pytest.approx(3.61, abs=VOLT_LSB)


def test_chip_left_alone_does_hibernate_so_that_the_test_above_can_fail() -> None:
    rig = max17048_rig(Falling())
    rig.clock.sleep(1000.0)
    word = int.from_bytes(rig.wire().read(0x36, VCELL, 2), "big")
    assert word * VOLT_LSB > Falling().voltage_v(1000.0) + 5 * VOLT_LSB


def test_alert_that_the_chip_sets_itself_is_no_lost_setting() -> None:
    rig = max17048_rig(Cell(full=0.02))
    gauge = rig.max17048()
    for _ in range(3):
        assert gauge.read().share == pytest.approx(0.02, abs=SHARE_LSB)
    assert rig.chip.words[CONFIG] & 0x0020


def test_simulated_chip_counts_through_its_registers_and_gives_the_charge_rate() -> None:
    class Draining(Cell):
        def share(self, t_s: float) -> float:
            return 0.9 - 0.2 * t_s / 3600

    rig = max17048_rig(Draining())
    bus = rig.wire()
    assert bus.read(0x36, VCELL, 4) == bus.read(0x36, VCELL, 2) + bus.read(0x36, SOC, 2)
    rate = int.from_bytes(bus.read(0x36, CRATE, 2), "big", signed=True) * 0.208
    assert rate == pytest.approx(-20.0, abs=0.208)


@pytest.mark.parametrize("word", WORDS)
def test_each_failure_bites_and_what_the_driver_cannot_see_is_one(word: str) -> None:
    rig = max17048_rig(Falling(), fault=Fault(word, "power", start_s=3.0, end_s=9.0))
    gauge = rig.max17048()
    errors: list[str] = []
    volts: set[float | None] = set()
    while rig.clock.now_ns() < 8.9e9:
        try:
            volts.add(gauge.read().voltage_v)
        except (BusError, WrongConfig) as error:
            assert rig.clock.now_ns() >= 3e9
            errors.append(type(error).__name__)
        rig.clock.sleep(0.1)
    assert bool(errors) == (word not in ("ok", "stuck"))
    if word == "stuck":
        assert len(volts) <= 32, "six seconds with one number"
    rig.clock.advance_to(round(12e9))
    assert rig.max17048().read().share in (None, pytest.approx(0.5, abs=SHARE_LSB))


def test_transfer_that_takes_too_long_is_an_error() -> None:
    rig = max17048_rig(Cell(), fault=Fault("slow", "power", start_s=1.0))
    gauge = rig.max17048()
    rig.clock.sleep(2.0)
    with pytest.raises(BusError, match="a transfer took 80 ms, expected at most 50 ms"):
        gauge.read()


def test_closed_gauge_closes_its_bus() -> None:
    rig = max17048_rig(Cell())
    rig.max17048().close()
    assert rig.bus.closings == 1


def test_empty_bus_has_no_gauge() -> None:
    from hal.power.max17048 import Max17048

    clock = SimClock()
    with pytest.raises(DeviceNotFound):
        Max17048(SimI2cBus(clock), clock)
