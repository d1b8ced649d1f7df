"""What doctor makes of rangefinders, the button, outputs and power, and which wires it names."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.commands.checks.button import look_at_button
from firmware.commands.checks.check import Check
from firmware.commands.checks.outputs import BEEP_FIRST, BEEP_SECOND, PLAYING_S, STEP_S, play
from firmware.commands.checks.power import look_at_power
from firmware.commands.checks.probe import Probe, failed
from firmware.commands.checks.rangefinder import look_at_rangefinder
from firmware.commands.checks.wiring import HEADER_PIN, wiring
from firmware.core.detectors.power import PowerLimitsConfig
from hal.config import (
    HEADER_PINS,
    AirbagConfig,
    BoardConfig,
    ButtonConfig,
    BuzzerConfig,
    ImuConfig,
    LedConfig,
    LowRangefinderConfig,
    MotorConfig,
    RangefinderConfig,
)
from hal.errors import BusError, ContactFault, DeviceNotFound, HalError, NoEcho, OutputFault, WrongDevice
from hal.samples import ButtonSample, PowerSample, RangeSample, SensorFault
from hal.sim.clock import SimClock

SECOND_NS = 1_000_000_000
WIRES = "header pins: ..."


class Scripted:
    """A driver whose readings are written down; the last one repeats."""

    def __init__(self, script: Sequence[object]) -> None:
        self._script = list(script)
        self.closed = False

    def read(self) -> object:
        item = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        if isinstance(item, HalError):
            raise item
        return item

    def close(self) -> None:
        self.closed = True


def pings(*distances_m: float | HalError | None) -> Check:
    script: list[object] = [
        item if isinstance(item, HalError) else [RangeSample(i * 60_000_000, item)]
        for i, item in enumerate(distances_m)
    ]
    until_ns = (len(script) - 1) * 60_000_000 + 1
    device = Scripted(script)
    return look_at_rangefinder("rangefinder", lambda: device, SimClock(), until_ns, 0.06, WIRES)  # type: ignore[arg-type, return-value]


def test_a_still_target_is_told_with_its_spread_and_rate() -> None:
    check = pings(*[1.5, 1.504, 1.498, 1.501, 1.499] * 4)
    assert (check.status, check.detail) == ("ok", "found: 1.50 m ± 3 mm, 17 pings a second")


def test_a_target_that_comes_nearer_evenly_is_no_spread() -> None:
    assert pings(*[2.0 - 0.05 * i for i in range(20)]).detail == "found: 1.52 m ± 0 mm, 17 pings a second"


def test_distances_that_scatter_are_noisy() -> None:
    check = pings(*[1.5, 1.6, 1.4, 1.55, 1.45] * 4)
    assert (check.status, check.detail.partition(":")[0]) == ("warn", "found, noisy")


def test_distances_that_jump_are_a_failure() -> None:
    check = pings(*[0.5, 3.0] * 10)
    assert (check.status, check.detail.partition(":")[0]) == ("fail", "found, noisy")


def test_a_free_way_is_a_finding() -> None:
    assert pings(*[None] * 20).detail == "found: nothing within 4 m, 17 pings a second"
    assert "nothing within 4 m 10 times" in pings(*[3.9, None] * 10).detail


def test_a_lost_ping_is_a_warning_and_many_are_a_failure() -> None:
    lost = NoEcho("rangefinder: no echo within 28 ms of the ping (trigger on pin 23, echo on pin 24); check its wiring")
    assert pings(*[1.5] * 19, lost, 1.5).detail == "found, noisy: 1.50 m ± 0 mm, 16 pings a second; 1 of 21 pings lost"
    assert pings(*[1.5] * 19, lost, 1.5).status == "warn"
    check = pings(lost)
    assert (check.status, check.detail) == ("fail", "not found: no echo within 28 ms of the ping")
    assert check.hint == f"check its wiring; {WIRES}"


def presses(*states: bool | HalError) -> Check:
    script: list[object] = [s if isinstance(s, HalError) else ButtonSample(0, s) for s in states]
    device = Scripted(script)
    until_ns = (len(script) - 1) * 20_000_000 + 1
    return look_at_button(lambda: device, SimClock(), until_ns, WIRES)  # type: ignore[arg-type, return-value]


OPEN = ContactFault("button (pin 17, normally closed on pin 27): both contacts open, expected one; check its plug")
CLOSED = ContactFault("button (pin 17, normally closed on pin 27): both contacts closed, expected one; check its plug")


@pytest.mark.parametrize(
    ("states", "detail"),
    [
        ([False] * 9, "found: its contacts agree; it was not pressed"),
        ([False, True, True], "found: its contacts agree; a press was seen"),
        ([True] * 9, "found, wrong: held down all the time"),
        ([OPEN] * 9, "not found: both contacts open, expected one"),
        ([CLOSED] * 9, "found, wrong: both contacts closed, expected one"),
        ([CLOSED, CLOSED, True], "found, wrong: both contacts closed, expected one (2 of 3 tries failed)"),
        ([False, OPEN, True], "found, wrong: both contacts open, expected one (1 of 3 tries failed)"),
        ([False, OPEN, False], "found, noisy: both contacts open, expected one (1 of 3 tries failed)"),
        ([False, False, OPEN], "found, noisy: both contacts open, expected one (1 of 3 tries failed)"),
        ([OPEN, CLOSED, OPEN], "found, noisy: both contacts open, expected one"),
    ],
)
def test_contacts_tell_whether_a_plug_is_out_loose_or_a_contact_late(
    states: list[bool | HalError], detail: str
) -> None:
    assert presses(*states).detail == detail


def test_button_of_one_contact_says_what_it_cannot_see() -> None:
    device = Scripted([ButtonSample(0, False)] * 9)
    check = look_at_button(lambda: device, SimClock(), 160_000_001, WIRES, contacts=1)  # type: ignore[arg-type, return-value]
    assert (check.status, check.detail) == ("ok", "found: one contact: a cut wire is not seen; it was not pressed")


class Player:
    """An output that notes when it went on and off, and fails as told."""

    def __init__(self, clock: SimClock, fails: Callable[[bool, int], bool], takes_s: float = 0.0) -> None:
        self._clock, self._fails, self._takes_s = clock, fails, takes_s
        self.writes: list[tuple[float, bool]] = []

    def on(self) -> None:
        self._write(True)

    def off(self) -> None:
        self._write(False)

    def close(self) -> None:
        self.writes.append((self._clock.now_ns() / 1e9, False))

    def _write(self, on: bool) -> None:
        self.writes.append((self._clock.now_ns() / 1e9, on))
        self._clock.sleep(self._takes_s)
        if self._fails(on, len(self.writes)):
            raise OutputFault("motor (pin 25): reads low after high was written; check its wire")


def played(fails: Callable[[bool, int], bool], takes_s: float = 0.0) -> tuple[Check, Player, SimClock]:
    clock = SimClock()
    player = Player(clock, fails, takes_s)
    return play("motor", lambda: player, Player.on, clock, BEEP_SECOND, WIRES), player, clock


def test_the_motor_shakes_in_the_pauses_of_the_buzzer_so_that_both_are_noticed() -> None:
    assert not any(first and second for first, second in zip(BEEP_FIRST, BEEP_SECOND, strict=False))
    assert sum(BEEP_FIRST) == sum(BEEP_SECOND) == 4
    assert not BEEP_FIRST[-1]
    assert not BEEP_SECOND[-1]


def test_an_output_that_follows_is_asked_about() -> None:
    check, player, _ = played(lambda on, number: False)
    assert check.detail == "found: its pin follows; did you feel it?"
    assert [on for _, on in player.writes] == [*BEEP_SECOND, False]
    assert [t_s for t_s, _ in player.writes[:-1]] == pytest.approx([i * STEP_S for i in range(len(BEEP_SECOND))])


@pytest.mark.parametrize(
    ("fails", "finding"),
    [
        (lambda on, number: True, "found, wrong"),
        (lambda on, number: on, "found, wrong"),
        (lambda on, number: not on, "found, wrong"),
        (lambda on, number: number == 4, "found, noisy"),
        (lambda on, number: number in (3, 6, 8), "found, noisy"),
    ],
)
def test_what_fails_by_rule_is_wrong_and_what_comes_and_goes_is_noisy(
    fails: Callable[[bool, int], bool], finding: str
) -> None:
    check, _, _ = played(fails)
    assert (check.status, check.detail.partition(":")[0]) == ("fail", finding)
    assert check.hint == f"check its wire; {WIRES}"


@given(takes_s=st.floats(0.0, 0.3))
def test_slow_writes_do_not_make_the_tune_longer(takes_s: float) -> None:
    _, _, clock = played(lambda on, number: True, takes_s)
    assert clock.now_ns() / 1e9 <= PLAYING_S + takes_s


def test_an_output_that_cannot_be_opened_is_not_found() -> None:
    def refuse() -> Player:
        raise OutputFault("motor (pin 25): the pin cannot be claimed; see `gpioinfo`")

    check = play("motor", refuse, Player.on, SimClock(), BEEP_FIRST, WIRES)
    assert (check.status, check.detail) == ("fail", "not found: the pin cannot be claimed")


def fed(*readings: PowerSample | SensorFault) -> Check:
    device = Scripted([[item] if isinstance(item, PowerSample) else [PowerSample(0), item] for item in readings])
    until_ns = (len(readings) - 1) * 300_000_000 + 1
    return look_at_power(lambda: device, SimClock(), until_ns, PowerLimitsConfig(), WIRES)  # type: ignore[arg-type, return-value]


WELL = PowerSample(0, 0.8, 3.93, 0.31, False, False, 48.0)


@pytest.mark.parametrize(
    ("sample", "status", "detail"),
    [
        (
            WELL,
            "ok",
            "found: battery 80 % full at 3.93 V, 0.31 A drawn, 5 V supply well, processor at 48 °C",
        ),
        (PowerSample(0), "ok", "unknown: there is no gauge, and this machine does not tell of its supply"),
        (
            PowerSample(0, undervoltage=False, throttled=False, cpu_c=48.0),
            "ok",
            "found: charge unknown, 5 V supply well, processor at 48 °C",
        ),
        (
            PowerSample(0, 0.10, 3.5),
            "warn",
            "found, wrong: battery 10 % full at 3.50 V, 5 V supply unknown, processor's heat unknown",
        ),
        (
            PowerSample(0, 0.03, 3.3),
            "fail",
            "found, wrong: battery 3 % full at 3.30 V, 5 V supply unknown, processor's heat unknown",
        ),
        (
            PowerSample(0, undervoltage=True, throttled=True, cpu_c=60.0),
            "warn",
            "found, wrong: charge unknown, 5 V supply below 4.63 V, processor slowed down, processor at 60 °C",
        ),
    ],
)
def test_what_is_known_of_the_supply_is_told_and_judged_as_in_a_walk(
    sample: PowerSample, status: str, detail: str
) -> None:
    check = fed(sample)
    assert (check.status, check.detail) == (status, detail)
    assert bool(check.hint) is (status != "ok")


def test_a_gauge_that_is_missing_is_not_found_though_the_supply_is_known() -> None:
    check = fed(SensorFault(0, "power", "DeviceNotFound", "fuel gauge at 0x36: not found; I2C bus 1: no answer"))
    assert (check.status, check.detail.partition(":")[0]) == ("fail", "not found")


def test_a_gauge_that_comes_and_goes_is_noisy() -> None:
    lost = SensorFault(0, "power", "BusError", "I2C bus 1: no answer at 0x36; check its wiring")
    assert fed(lost, WELL, lost, WELL).detail.startswith("found, noisy: ")


def test_every_kind_of_error_that_a_gauge_tells_is_known() -> None:
    for kind in HalError.__subclasses__():
        check = fed(SensorFault(0, "power", kind.__name__, "fuel gauge: it is broken; change it"))
        assert check.hint == f"change it; {WIRES}"


def probed(*script: object) -> Check:
    device = Scripted(script)
    with Probe(lambda: device, SimClock()) as probe:
        tries = probe.read_until((len(script) - 1) * SECOND_NS + 1, 1.0, lambda d: d.read())
    assert device.closed
    return failed("imu", tries, WIRES)


def broken_off() -> BusError:
    error = BusError("I2C bus 1: timed out at 0x68; something holds SDA or SCL low (errno 110)")
    error.__cause__ = OSError(110, "Connection timed out")
    return error


@pytest.mark.parametrize(
    ("script", "finding"),
    [
        ([DeviceNotFound("imu: nothing; check it")], "not found"),
        ([broken_off()], "not found"),
        ([BusError("imu: a transfer took 200 ms; check it")], "found, wrong"),
        ([WrongDevice("imu: 0x71; check it"), WrongDevice("imu: 0x71; check it")], "found, wrong"),
        ([WrongDevice("imu: 0x71; check it"), WrongDevice("imu: 0x12; check it")], "found, noisy"),
        ([broken_off(), "well", broken_off()], "found, noisy"),
        ([broken_off(), [], BusError("imu: a transfer took 200 ms; check it")], "found, wrong"),
    ],
)
def test_errors_tell_whether_a_part_is_missing_wrong_or_comes_and_goes(script: list[object], finding: str) -> None:
    assert probed(*script).detail.partition(":")[0] == finding


def test_a_part_that_could_not_be_opened_is_opened_again() -> None:
    opened = iter([DeviceNotFound("imu: nothing; check it"), Scripted(["well"])])

    def open_device() -> Scripted:
        item = next(opened)
        if isinstance(item, HalError):
            raise item
        return item

    with Probe(open_device, SimClock()) as probe:
        tries = probe.read_until(SECOND_NS + 1, 1.0, lambda d: d.read())
    assert [item.value for item in tries] == [None, "well"]


def test_every_gpio_of_the_header_has_its_pin_and_no_two_share_one() -> None:
    assert HEADER_PIN.keys() == {*HEADER_PINS}
    power_and_ground = {1, 2, 4, 6, 9, 14, 17, 20, 25, 30, 34, 39}
    assert {*HEADER_PIN.values()} == {*range(1, 41)} - power_and_ground - {27, 28}  # 27 and 28 are the HAT's EEPROM


def test_wires_are_those_of_the_configuration() -> None:
    config = BoardConfig(
        imu=ImuConfig(bus=3),
        rangefinder=RangefinderConfig(model="hcsr04p", trigger=20, echo=21),
        low_rangefinder=LowRangefinderConfig(trigger=5, echo=6),
        buzzer=BuzzerConfig(pin=12),
        motor=MotorConfig(pin=26),
        led=LedConfig(pin=16),
        airbag=AirbagConfig(pin=22),
        button=ButtonConfig(pin=4, nc_pin=None),
    )
    assert wiring("imu", config) == "header pins: VCC 1 (3.3 V), SDA and SCL those of /dev/i2c-3, GND 9"
    assert wiring("power", config) == "header pins: VCC 1 (3.3 V), SDA 3 (GPIO 2), SCL 5 (GPIO 3), GND 9"
    echo = "TRIG 38 (GPIO 20), ECHO 40 (GPIO 21), GND 20"
    assert wiring("rangefinder", config) == f"header pins: VCC 17 (3.3 V), {echo}"
    low = "VCC 4 (5 V), TRIG 29 (GPIO 5), ECHO 31 (GPIO 6) through its divider, GND 39"
    assert wiring("low_rangefinder", config) == f"header pins: {low}"
    assert "+ 32 (GPIO 12)" in wiring("buzzer", config)
    assert "37 (GPIO 26)" in wiring("motor", config)
    assert "36 (GPIO 16)" in wiring("led", config)
    assert "15 (GPIO 22)" in wiring("airbag", config)
    assert wiring("button", config) == "header pins: open contact 7 (GPIO 4), common 25 (GND)"


def test_a_rangefinder_on_the_bus_has_the_bus_wires() -> None:
    config = BoardConfig(rangefinder=RangefinderConfig(model="i2cxl"))
    assert wiring("rangefinder", config) == "header pins: V+ 1 (3.3 V), SDA 3 (GPIO 2), SCL 5 (GPIO 3), GND 9"
