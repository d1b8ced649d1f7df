"""The INA219's driver on a simulated one: volts and amperes, and how sure one can be that it is one."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from power_rig import Cell, Rig, Wire, ina219_rig

from hal.errors import BusError, DeviceNotFound, HalError, NoData, WrongConfig, WrongDevice
from hal.power import ina219
from hal.power.ina219 import Ina219
from hal.sim.chips.ina219 import CALIBRATION, CONFIG, CURRENT, SimIna219
from hal.sim.clock import SimClock
from hal.sim.faults import WORDS, Fault

BUS_LSB_V, SHUNT_LSB_V = 4e-3, 10e-6


@given(volts=st.floats(2.41, 25.99), shunt_v=st.floats(-0.3199, 0.3199), shunt_ohm=st.sampled_from([0.01, 0.1, 1.0]))
def test_volts_and_amperes_come_through_the_registers_within_one_lsb(
    volts: float, shunt_v: float, shunt_ohm: float
) -> None:
    rig = ina219_rig(Cell(volts=volts, amps=shunt_v / shunt_ohm), shunt_ohm=shunt_ohm)
    reading = rig.ina219(shunt_ohm).read()
    assert reading.voltage_v == pytest.approx(volts, abs=BUS_LSB_V)
    assert reading.current_a == pytest.approx(shunt_v / shunt_ohm, abs=SHUNT_LSB_V / shunt_ohm)


def test_it_counts_no_charge_so_the_share_is_unknown_and_not_full() -> None:
    assert ina219_rig(Cell(full=1.0)).ina219().read().share is None


@pytest.mark.parametrize("amps", [3.3, -3.3, 10.0])
def test_current_beyond_the_shunts_range_is_unknown_and_the_voltage_still_told(amps: float) -> None:
    reading = ina219_rig(Cell(volts=3.8, amps=amps)).ina219().read()
    assert reading.current_a is None
    assert reading.voltage_v == pytest.approx(3.8, abs=BUS_LSB_V)


@pytest.mark.parametrize("volts", [0.0, 0.9, 2.39, 26.1, 31.0])
def test_voltage_that_no_battery_has_is_an_error_that_says_what_to_check(volts: float) -> None:
    gauge = ina219_rig(Cell(volts=volts)).ina219()
    with pytest.raises(BusError, match=r"fuel gauge at 0x40: .* V, expected 2\.4 to 26 V of a battery; check .*VIN-"):
        gauge.read()


def test_reading_is_never_an_old_one() -> None:
    rig = ina219_rig(Cell())
    gauge = rig.ina219()
    gauge.read()
    with pytest.raises(NoData, match="nothing measured since the last reading"):
        gauge.read()
    rig.clock.sleep(0.15)
    rig.chip.world.volts = 3.5  # type: ignore[attr-defined]  # the rig's own cell
    assert gauge.read().voltage_v == pytest.approx(3.5, abs=BUS_LSB_V)


def test_the_slowest_chip_has_measured_when_it_is_opened() -> None:
    rig = Rig(SimIna219(SimClock(), Cell(volts=3.8), slowness=586 / 532), 0x40)
    assert rig.ina219().read().voltage_v == pytest.approx(3.8, abs=BUS_LSB_V)


def test_chip_that_fell_back_to_its_power_on_settings_is_an_error() -> None:
    rig = ina219_rig(Cell())
    gauge = rig.ina219()
    rig.chip.power_cycle()
    with pytest.raises(WrongConfig, match="CONFIG is 0x399f, expected 0x3fff"):
        gauge.read()


class Stranger(SimIna219):
    """A chip of another kind at one of the same addresses: its registers, or some of them, behave differently."""

    def __init__(self, config: int, *, resets: bool, keeps_bit_0: bool) -> None:
        self._config, self._resets, self._keeps_bit_0 = config, resets, keeps_bit_0
        self.written: list[int] = []
        super().__init__(SimClock(), Cell())

    def power_cycle(self) -> None:
        super().power_cycle()
        self.words[CONFIG] = self._config

    def take(self, register: int, word: int) -> None:
        self.written.append(register)
        if register == CALIBRATION and self._keeps_bit_0:
            self.words[CALIBRATION] = word
        elif register != CONFIG or self._resets:
            super().take(register, word)


@pytest.mark.parametrize(
    ("what", "config", "resets", "keeps_bit_0", "says"),
    [
        ("INA226", 0x4127, True, True, "bits 14 and 15"),
        ("INA3221", 0x7127, True, True, "bits 14 and 15"),
        ("a thermometer at 0 °C", 0x0000, False, False, "after a reset, expected 0x399f"),
        ("a thermometer at 57.6 °C", 0x399F, False, True, "CALIBRATION is 0xffff after writing 0xffff"),
        ("the data line reads high", 0xFFFF, False, False, "bits 14 and 15"),
    ],
)
def test_other_chips_at_its_addresses_are_refused(
    what: str, config: int, resets: bool, keeps_bit_0: bool, says: str
) -> None:
    chip = Stranger(config, resets=resets, keeps_bit_0=keeps_bit_0)
    rig = Rig(chip, 0x40)
    with pytest.raises(WrongDevice, match=rf"{says}.*INA219.*power\.gauge"):
        rig.ina219()
    assert rig.bus.closings == 1
    if "14 and 15" in says:
        assert chip.written == [], f"{what} is not written to"


@given(config=st.integers(0, 0xFFFF))
def test_no_chip_whose_config_an_ina219_cannot_have_is_written_to(config: int) -> None:
    chip = Stranger(config, resets=False, keeps_bit_0=False)
    rig = Rig(chip, 0x40)
    with contextlib.suppress(HalError):
        rig.ina219()
    assert bool(chip.written) == (not config & 0xC000)


@pytest.mark.parametrize("address", ina219.ADDRESSES)
def test_it_answers_at_each_of_its_addresses(address: int) -> None:
    assert ina219_rig(Cell(), address=address).ina219().read().voltage_v == pytest.approx(3.8, abs=BUS_LSB_V)


def test_nobody_at_its_address_is_not_found() -> None:
    bus = Wire(SimClock())
    with pytest.raises(DeviceNotFound, match="fuel gauge at 0x41: not found"):
        Ina219(bus, SimClock(), address=0x41, shunt_ohm=0.1)
    assert bus.closings == 1


@pytest.mark.parametrize("word", WORDS)
def test_each_failure_is_heard_from_the_driver(word: str) -> None:
    rig = ina219_rig(Cell(), fault=Fault(word, "power", start_s=3.0, end_s=9.0))
    gauge = rig.ina219()
    errors = 0
    while rig.clock.now_ns() < 8.9e9:
        try:
            gauge.read()
        except HalError:
            assert rig.clock.now_ns() >= 3e9
            errors += 1
        rig.clock.sleep(0.2)
    assert bool(errors) == (word != "ok")
    rig.clock.advance_to(round(12e9))
    assert rig.ina219().read().voltage_v == pytest.approx(3.8, abs=BUS_LSB_V)


@given(shunt_v=st.floats(-0.3, 0.3), calibration=st.integers(1, 0x7FFF))
def test_simulated_current_register_follows_the_data_sheets_equation(shunt_v: float, calibration: int) -> None:
    rig = ina219_rig(Cell(amps=shunt_v / 0.1))
    gauge = rig.ina219()
    rig.chip.take(CALIBRATION, calibration)
    gauge.read()
    word = int.from_bytes(rig.bus.read(0x40, CURRENT, 2), "big", signed=True)
    expected = round(shunt_v / SHUNT_LSB_V) * (calibration & ~1) / 4096
    if abs(expected) < 0x7FFF:
        assert word == pytest.approx(expected, abs=1)
