"""Battery and supply in one sample: what is unknown, what is a fault, and how a gauge is found."""

from collections.abc import Callable

import pytest
from power_rig import Cell, Wire, fault_in, sample_of

from hal.config import BoardConfig, GaugeModel, PowerConfig
from hal.errors import BusError, DeviceNotFound
from hal.power.find import find_gauge
from hal.power.pi_supply import SupplyReading
from hal.power.power import Power
from hal.samples import PowerSample, Vector
from hal.sim.board import SimBoard
from hal.sim.chips.gauge import SimGauge
from hal.sim.chips.ina219 import SimIna219
from hal.sim.chips.max17048 import SimMax17048
from hal.sim.clock import SimClock
from hal.sim.faults import WORDS, Fault
from hal.sim.i2c import SimI2cBus
from hal.sim.world.battery import Battery
from hal.sim.world.scene import Mark

KNOWN = SupplyReading(False, False, 51.0)


class Told:
    """A supply that says what it was told to."""

    def __init__(self, reading: SupplyReading = KNOWN) -> None:
        self.reading = reading

    def read(self) -> SupplyReading:
        return self.reading


class Bench:
    """A bus with chips that can be plugged in and out, and a Power on it."""

    def __init__(self, gauge: GaugeModel = "auto", *, address: int | None = None) -> None:
        self.clock, self.cell = SimClock(), Cell()
        self.chips: dict[int, SimGauge] = {}
        self.buses: list[Wire] = []
        self.bus_error: Callable[[], None] = lambda: None
        self.supply = Told()
        self.power = Power(PowerConfig(gauge=gauge, address=address), self._open_bus, self.supply, self.clock)

    def plug_max17048(self) -> "Bench":
        self.chips[0x36] = SimMax17048(self.clock, self.cell)
        return self

    def plug_ina219(self, address: int = 0x40) -> "Bench":
        self.chips[address] = SimIna219(self.clock, self.cell)
        return self

    def _open_bus(self) -> Wire:
        self.bus_error()
        bus = Wire(self.clock)
        for address, chip in self.chips.items():
            bus.add(address, chip)
        self.buses.append(bus)
        return bus

    def later(self, seconds: float = 5.0) -> "Bench":
        self.clock.sleep(seconds)
        return self


def test_gauge_and_supply_come_as_one_sample() -> None:
    bench = Bench().plug_max17048()
    (sample,) = bench.power.read()
    assert isinstance(sample, PowerSample)
    assert sample.battery_share == pytest.approx(0.5, abs=1e-4)
    assert sample.battery_v == pytest.approx(3.8, abs=1e-4)
    assert (sample.undervoltage, sample.throttled, sample.cpu_c) == (False, False, 51.0)
    assert sample.t_ns == bench.clock.now_ns()


def test_board_without_a_gauge_knows_nothing_of_the_battery_and_that_is_no_fault() -> None:
    bench = Bench()
    for _ in range(3):
        assert bench.power.read() == [PowerSample(bench.clock.now_ns(), None, None, None, False, False, 51.0)]
        bench.later()
    assert len(bench.buses) == 1, "looked for once"
    assert all(bus.closings == 1 for bus in bench.buses)


def test_board_that_is_told_of_no_gauge_does_not_even_look() -> None:
    bench = Bench("none").plug_max17048()
    assert sample_of(bench.power.read()).battery_v is None
    assert bench.buses == []


@pytest.mark.parametrize("gauge", ["max17048", "ina219"])
def test_configured_gauge_that_is_missing_is_a_fault_and_the_supply_is_still_told(gauge: GaugeModel) -> None:
    bench = Bench(gauge)
    read = bench.power.read()
    assert sample_of(read) == PowerSample(bench.clock.now_ns(), None, None, None, False, False, 51.0)
    fault = fault_in(read)
    assert fault is not None
    assert (fault.part, fault.kind) == ("power", "DeviceNotFound")
    assert "not found" in fault.detail


def test_gauge_that_comes_back_is_read_again_and_its_buses_are_closed() -> None:
    bench = Bench("max17048").plug_max17048()
    chip = bench.chips.pop(0x36)
    for _ in range(3):
        assert fault_in(bench.power.read()) is not None
        bench.later()
    bench.chips[0x36] = chip
    assert fault_in(bench.power.read()) is None
    bench.power.close()
    assert [bus.closings for bus in bench.buses] == [1] * len(bench.buses)


def test_gauge_that_was_found_once_and_goes_away_is_a_fault() -> None:
    bench = Bench().plug_max17048()
    assert sample_of(bench.power.read()).battery_share is not None
    del bench.chips[0x36]
    bench.power.close()
    for _ in range(3):
        fault = fault_in(bench.later().power.read())
        assert fault is not None
        assert fault.kind in ("BusError", "DeviceNotFound")


def test_no_i2c_bus_at_all_is_a_fault_of_a_gauge_that_was_configured_only() -> None:
    def no_bus() -> None:
        raise DeviceNotFound("I2C bus 1: there is no /dev/i2c-1 (errno 2)")

    for gauge, faulty in (("auto", False), ("ina219", True)):
        bench = Bench(gauge)  # type: ignore[arg-type]
        bench.bus_error = no_bus
        assert (fault_in(bench.power.read()) is not None) is faulty


@pytest.mark.parametrize(
    ("plug", "model", "address"),
    [
        (lambda bench: bench.plug_max17048(), "max17048", 0x36),
        *((lambda bench, at=at: bench.plug_ina219(at), "ina219", at) for at in range(0x40, 0x50)),
    ],
)
def test_gauge_is_found_where_it_is(plug: Callable[[Bench], Bench], model: str, address: int) -> None:
    bench = plug(Bench())
    found = find_gauge(PowerConfig(), bench._open_bus(), bench.clock)
    assert found is not None
    assert (found.gauge, found.address) == (model, address)
    assert sample_of(bench.power.read()).battery_v == pytest.approx(3.8, abs=0.004)


def test_gauge_is_looked_for_at_the_address_that_is_given_alone() -> None:
    bench = Bench(address=0x41).plug_ina219(0x40)
    assert sample_of(bench.power.read()).battery_v is None
    assert set(bench.buses[0].asked) == {0x41}


def test_ina219_that_an_earlier_run_set_up_is_found_again_and_a_stranger_is_passed_over() -> None:
    bench = Bench().plug_ina219(0x44)
    bench.chips[0x44].take(0x00, 0x3FFF)
    bench.chips[0x40] = SimIna219(bench.clock, bench.cell)
    bench.chips[0x40].take(0x00, 0x1234)  # an INA219 set up by another program looks like any other chip
    found = find_gauge(PowerConfig(), bench._open_bus(), bench.clock)
    assert found is not None
    assert found.address == 0x44
    assert bench.chips[0x40].words[0x00] == 0x1234, "it is not written to"


class Held(SimI2cBus):
    """SDA is held low: each transfer fails after the adapter's time-out of a second."""

    def read(self, address: int, register: int, count: int) -> bytes:
        self._clock.sleep(1.0)
        raise BusError("I2C bus 1: timed out (errno 110)")


def test_search_on_a_bus_that_is_held_is_given_up_at_once_and_begun_again_later() -> None:
    bench = Bench().plug_max17048()
    with pytest.raises(BusError, match=r"looking for a fuel gauge at 0x36 took 1\.00 s"):
        find_gauge(PowerConfig(), Held(bench.clock), bench.clock)
    held = [True]
    power = Power(PowerConfig(), lambda: Held(bench.clock) if held[0] else bench._open_bus(), bench.supply, bench.clock)
    start_ns = bench.clock.now_ns()
    assert fault_in(power.read()) is None, "nothing is known of a gauge yet"
    assert bench.clock.now_ns() - start_ns < 1.1e9
    held[0] = False
    assert sample_of(power.read()).battery_v is not None


def test_unknown_supply_is_told_as_unknown_beside_a_known_battery() -> None:
    bench = Bench().plug_max17048()
    bench.supply.reading = SupplyReading()
    sample = sample_of(bench.power.read())
    assert (sample.undervoltage, sample.throttled, sample.cpu_c) == (None, None, None)
    assert sample.battery_v is not None


class Nowhere:
    """A world in which nothing happens."""

    name = "nowhere"
    duration_s = 60.0
    marks: tuple[Mark, ...] = ()

    def motion(self, t_s: float) -> tuple[Vector, Vector]:
        return (0.0, 0.0, 9.81), (0.0, 0.0, 0.0)

    def distance_m(self, t_s: float) -> float | None:
        return None

    def pressed(self, t_s: float) -> bool:
        return False


def board(*faults: Fault, gauge: GaugeModel = "auto") -> tuple[SimBoard, SimClock]:
    clock = SimClock()
    config = BoardConfig(power=PowerConfig(gauge=gauge))
    return SimBoard(config, Nowhere(), faults=faults, epoch_ns=0, new_clock=lambda: clock), clock


def test_simulated_board_has_a_gauge_only_when_it_is_told_of_one() -> None:
    assert sample_of(board()[0].open_power().read()).battery_v is None
    assert sample_of(board()[0].open_power().read()).undervoltage is False
    for gauge in ("max17048", "ina219"):
        assert sample_of(board(gauge=gauge)[0].open_power().read()).battery_v == pytest.approx(3.9, abs=0.3)


@pytest.mark.parametrize("gauge", ["auto", "max17048", "ina219"])
@pytest.mark.parametrize("word", WORDS)
def test_each_word_on_the_gauge_is_heard_from_the_board_with_the_supply_still_known(
    word: str, gauge: GaugeModel
) -> None:
    simulated, clock = board(Fault(word, "power", start_s=12.0), gauge=gauge)
    power = simulated.open_power()
    faults = 0
    for _ in range(60):
        read = power.read()
        assert sample_of(read).cpu_c == 48.0
        if fault_in(read) is not None:
            assert clock.now_ns() >= 12e9
            assert sample_of(read).battery_share is None, "never an old value"
            assert sample_of(read).battery_v is None
            faults += 1
        clock.sleep(5.0)
    seen_by_the_driver = word != "ok" and not (word == "stuck" and gauge != "ina219")
    assert bool(faults) == seen_by_the_driver
    if word in ("off", "garbage", "wrong", "slow", "delayed"):
        assert faults >= 56


def test_intermittent_gauge_recovers_by_itself_each_time() -> None:
    simulated, clock = board(Fault("intermittent", "power", start_s=0.0), gauge="max17048")
    power = simulated.open_power()
    known = []
    for _ in range(60):
        known.append(sample_of(power.read()).battery_v is not None)
        clock.sleep(5.0)
    assert 10 < sum(known) < 55


def test_battery_of_the_simulated_board_empties() -> None:
    battery = Battery(start_share=0.8, hours=5.0)
    hours = [battery.voltage_v(h * 3600.0) for h in range(6)]
    assert hours == sorted(hours, reverse=True)
    assert battery.share(3600.0) == pytest.approx(0.6)
    assert battery.share(1e6) == 0.0
    assert 2.9 < battery.voltage_v(1e6) < 3.2
