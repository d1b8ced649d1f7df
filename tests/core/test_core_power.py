"""Battery, supply and heat: what is a caution, what is time to stop, and what is neither because nobody knows."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.core.detectors.power import PowerLimitsConfig, PowerWatch
from firmware.core.messages import (
    Detection,
    PowerState,
    Severity,
)
from hal.samples import PowerSample, SensorFault

S = 1_000_000_000
PERIOD_S = 5.0
WELL = {"battery_share": 0.8, "battery_v": 3.9, "undervoltage": False, "throttled": False, "cpu_c": 48.0}


class Fed:
    """A watch that gets a sample every five seconds; keeps what it says, and when."""

    def __init__(self, config: PowerLimitsConfig | None = None) -> None:
        self.watch = PowerWatch(config or PowerLimitsConfig())
        self.t_s = 0.0
        self.said: list[tuple[float, Detection]] = []
        self._ripple = 0

    @property
    def t_ns(self) -> int:
        return round(self.t_s * S)

    def feed(self, **values: float | bool | None) -> "Fed":
        self._ripple += 1
        self.watch.update(self.t_ns, PowerSample(self.t_ns, **values))  # type: ignore[arg-type]
        return self._look()

    def fail(self) -> "Fed":
        fault = SensorFault(self.t_ns, "power", "DeviceNotFound", "fuel gauge at 0x36: not found; check its wiring")
        self.watch.fail(self.t_ns, fault)
        return self._look()

    def for_s(self, seconds: float, *, fails: bool = False, **values: float | bool | None) -> "Fed":
        for _ in range(round(seconds / PERIOD_S)):
            self.t_s += PERIOD_S
            if values.get("battery_v") is not None:
                values["battery_v"] = float(values["battery_v"] or 0) + (1e-4 if self._ripple % 2 else -1e-4)
            self.feed(**values)
            if fails:
                self.fail()
        return self

    def wait(self, seconds: float) -> "Fed":
        for _ in range(round(seconds)):
            self.t_s += 1.0
            self._look()
        return self

    def _look(self) -> "Fed":
        self.said += [(self.t_s, detection) for detection in self.watch.wait(self.t_ns)]
        return self

    @property
    def severities(self) -> list[Severity]:
        return [detection.severity for _, detection in self.said]

    @property
    def reason(self) -> str:
        return str(self.said[-1][1].data["reason"])

    def drain(self, start: float, per_hour: float, seconds: float) -> "Fed":
        """A battery that gets less; to be asked how it went."""
        start_s = self.t_s
        while self.t_s < start_s + seconds:
            share = start - per_hour * (self.t_s - start_s) / 3600
            self.feed(**{**WELL, "battery_share": share})
            self.t_s += PERIOD_S
        return self


def state(fed: Fed) -> PowerState:
    assert fed.watch.state is not None
    return fed.watch.state


@given(share=st.floats(0.0, 1.0))
def test_battery_is_low_at_15_per_cent_and_nearly_empty_at_5(share: float) -> None:
    expected = [Severity.WARNING] if share <= 0.05 else [Severity.CAUTION] if share <= 0.15 else []
    assert Fed().feed(**{**WELL, "battery_share": share}).severities == expected


def test_reason_says_what_was_found_and_what_to_do() -> None:
    assert Fed().feed(battery_share=0.14).reason == "power: the battery is at 14%; charge it soon"
    assert Fed().feed(battery_share=0.03).reason == "power: the battery is at 3%; stop, and charge it"
    assert Fed().feed(cpu_c=76.0).reason == "power: the processor has 76 °C; let it cool down"
    assert "a better cable" in Fed().feed(undervoltage=True).reason


def test_unknown_is_neither_low_nor_full_however_long_it_lasts() -> None:
    fed = Fed().for_s(3600.0)
    assert fed.said == []
    assert state(fed) == PowerState(fed.t_ns)
    assert not state(fed).known


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_a_number_is_unknown(value: float) -> None:
    fed = Fed().for_s(120.0, battery_share=value, battery_v=value, battery_a=value, cpu_c=value)
    assert fed.said == []
    assert not state(fed).known


@pytest.mark.parametrize("share", [-0.1, 1.2])
def test_share_that_cannot_be_is_unknown(share: float) -> None:
    fed = Fed().feed(battery_share=share)
    assert fed.said == []
    assert state(fed).battery_share is None


def test_charge_that_flutters_at_the_limit_is_told_once() -> None:
    fed = Fed()
    for index in range(200):
        fed.feed(**{**WELL, "battery_share": 0.15 + (0.02 if index % 2 else -0.001), "battery_v": 3.6 + index / 1e4})
        fed.t_s += PERIOD_S
    assert fed.severities == [Severity.CAUTION]


def test_low_battery_that_becomes_unknown_stays_low() -> None:
    fed = Fed().feed(battery_share=0.1, battery_v=3.6).for_s(300.0)
    assert fed.severities == [Severity.CAUTION]
    fed.feed(battery_share=0.5, battery_v=3.8)
    assert fed.severities == [Severity.CAUTION, Severity.NONE]


@pytest.mark.parametrize(("per_hour", "low_at", "empty_at"), [(0.6, 0.30, 0.10), (1.2, 0.60, 0.20), (0.1, 0.15, 0.05)])
def test_half_an_hour_before_the_end_is_low_and_ten_minutes_nearly_empty(
    per_hour: float, low_at: float, empty_at: float
) -> None:
    fed = Fed().drain(0.9, per_hour, 0.9 / per_hour * 3600)
    assert fed.severities == [Severity.CAUTION, Severity.WARNING]
    for (t_s, _), share in zip(fed.said, (low_at, empty_at), strict=True):
        assert 0.9 - per_hour * t_s / 3600 == pytest.approx(share, abs=0.02)


def test_time_left_is_told_once_it_is_known_and_is_right() -> None:
    fed = Fed().drain(0.8, 0.2, 290.0)
    assert state(fed).battery_left_s is None
    fed.drain(0.8 - 0.2 * 290 / 3600, 0.2, 900.0)
    left_s = state(fed).battery_left_s
    assert left_s is not None
    assert left_s == pytest.approx(float(state(fed).battery_share or 0) / 0.2 * 3600, rel=0.02)


def test_exchanged_battery_is_not_a_battery_that_fell_by_half_in_five_seconds() -> None:
    fed = Fed().drain(0.9, 0.1, 900.0)
    fed.drain(0.4, 0.1, 60.0)
    assert fed.said == []
    assert state(fed).battery_left_s is None


def test_battery_on_its_charger_is_not_complained_of() -> None:
    fed = Fed().feed(battery_share=0.1)
    for index in range(240):
        fed.t_s += PERIOD_S
        fed.feed(battery_share=0.1 + 0.3 * index * PERIOD_S / 3600)
        if index == 40:
            assert fed.severities == [Severity.CAUTION, Severity.NONE]
    assert fed.severities == [Severity.CAUTION, Severity.NONE]


def test_where_only_the_voltage_is_known_it_has_to_stay_low() -> None:
    fed = Fed().for_s(5.0, battery_v=3.3).for_s(60.0, battery_v=3.8)
    for _ in range(10):  # a motor starts now and then
        fed.for_s(10.0, battery_v=3.3).for_s(5.0, battery_v=3.7)
    assert fed.said == []
    fed.for_s(25.0, battery_v=3.5)
    assert fed.severities == [Severity.CAUTION]
    assert "3.50 V a cell" in fed.reason
    fed.for_s(30.0, battery_v=3.35)
    assert fed.severities == [Severity.CAUTION, Severity.WARNING]
    fed.for_s(30.0, battery_v=3.8)
    assert fed.severities[-1] is Severity.NONE


def test_charge_that_is_known_outweighs_the_voltage() -> None:
    assert Fed().for_s(120.0, battery_share=0.6, battery_v=3.3).said == []


@pytest.mark.parametrize(("cells", "volts", "low"), [(1, 5.1, False), (2, 7.4, False), (2, 7.0, True), (3, 10.2, True)])
def test_voltage_is_that_of_so_many_cells_or_says_nothing(cells: int, volts: float, low: bool) -> None:
    fed = Fed(PowerLimitsConfig(cells=cells)).for_s(60.0, battery_v=volts)
    assert bool(fed.said) == low


def test_under_voltage_is_told_at_once_and_is_over_a_minute_after_the_last() -> None:
    fed = Fed().for_s(30.0, **WELL).for_s(5.0, **{**WELL, "undervoltage": True})
    assert fed.said[0][0] == 35.0
    for _ in range(5):  # with each start of the motor
        fed.for_s(30.0, **WELL).for_s(5.0, **{**WELL, "undervoltage": True})
    assert fed.severities == [Severity.CAUTION]
    last_s = fed.t_s
    fed.for_s(120.0, **WELL)
    assert fed.severities == [Severity.CAUTION, Severity.NONE]
    assert 60.0 <= fed.said[-1][0] - last_s <= 65.0


def test_unknown_supply_is_no_calm_supply_sooner_than_time_says() -> None:
    fed = Fed().feed(undervoltage=True).for_s(55.0)
    assert fed.severities == [Severity.CAUTION]


def test_slowed_down_processor_is_a_caution() -> None:
    fed = Fed().feed(**{**WELL, "throttled": True})
    assert fed.severities == [Severity.CAUTION]
    assert "slowed down" in fed.reason


def test_heat_is_a_caution_at_75_degrees_and_time_to_stop_at_82() -> None:
    fed = Fed()
    for cpu_c in (60.0, 74.9, 75.0, 81.0, 82.0, 79.0, 76.0, 71.0, 69.9):
        fed.feed(cpu_c=cpu_c)
        fed.t_s += PERIOD_S
    assert fed.severities == [Severity.CAUTION, Severity.WARNING, Severity.CAUTION, Severity.NONE]


def test_gauge_that_fails_once_is_chance_and_twice_a_caution_within_ten_seconds() -> None:
    fed = Fed().for_s(30.0, **WELL).for_s(5.0, fails=True, cpu_c=48.0)
    assert fed.said == []
    fed.for_s(5.0, fails=True, cpu_c=48.0)
    assert fed.severities == [Severity.CAUTION]
    assert fed.reason == "power: fuel gauge at 0x36: not found; check its wiring"
    assert fed.t_s - 30.0 <= 10.0


def test_gauge_with_a_loose_plug_is_one_caution_until_it_was_well_for_a_minute() -> None:
    fed = Fed()
    for _ in range(20):
        fed.for_s(10.0, **WELL).for_s(10.0, fails=True, cpu_c=48.0)
    assert fed.severities == [Severity.CAUTION]
    fed.for_s(70.0, **WELL)
    assert fed.severities == [Severity.CAUTION, Severity.NONE]


def test_failing_gauge_is_over_a_minute_after_its_last_failure_and_not_after_the_one_before() -> None:
    fed = Fed().for_s(5.0, fails=True, cpu_c=48.0).for_s(50.0, **WELL).for_s(5.0, fails=True, cpu_c=48.0)
    last_s = fed.t_s
    fed.for_s(120.0, **WELL)
    assert fed.severities == [Severity.CAUTION, Severity.NONE]
    assert fed.said[-1][0] - last_s >= 60.0


def test_frozen_gauge_is_seen_after_a_quarter_of_an_hour_and_its_numbers_are_not_told_any_more() -> None:
    fed = Fed()
    for _ in range(181):
        fed.feed(battery_share=0.6, battery_v=3.81, cpu_c=48.0)
        fed.t_s += PERIOD_S
    assert fed.severities == [Severity.CAUTION]
    assert "frozen" in fed.reason
    assert (state(fed).battery_share, state(fed).battery_v, state(fed).cpu_c) == (None, None, 48.0)
    fed.feed(battery_share=0.59, battery_v=3.80)
    assert fed.severities == [Severity.CAUTION, Severity.NONE]


def test_full_battery_on_its_charger_may_stand_still() -> None:
    fed = Fed()
    for _ in range(400):
        fed.feed(battery_share=1.0, battery_v=4.2)
        fed.t_s += PERIOD_S
    assert fed.said == []


def test_reader_that_falls_silent_leaves_nothing_known() -> None:
    fed = Fed().for_s(30.0, **WELL).wait(74)
    assert fed.said == []
    assert state(fed).known
    fed.wait(2)
    assert fed.severities == [Severity.CAUTION]
    assert "nothing is heard" in fed.reason
    assert not state(fed).known


def test_device_that_never_said_anything_of_its_supply_is_not_missed() -> None:
    fed = Fed().wait(600)
    assert fed.said == []
    assert fed.watch.parts(fed.t_ns) == {}
    assert fed.watch.state is None


def test_two_troubles_are_one_alarm_with_both_reasons_the_worse_first() -> None:
    fed = Fed().feed(cpu_c=76.0).feed(cpu_c=76.0, battery_share=0.04)
    assert fed.severities == [Severity.CAUTION, Severity.WARNING]
    assert fed.reason == (
        "power: the battery is at 4%; stop, and charge it; also power: the processor has 76 °C; let it cool down"
    )
    assert fed.said[-1][1].data["battery_share"] == 0.04


@given(
    shares=st.lists(st.none() | st.floats(0, 1), min_size=1, max_size=80),
    step=st.floats(0.0, 0.01),
    noise=st.floats(0.0, 0.012),
)
def test_noise_smaller_than_the_margin_never_flutters(shares: list[float | None], step: float, noise: float) -> None:
    """A battery that only gets less is told at most twice, whatever its gauge's noise."""
    fed = Fed()
    for index, draw in enumerate(shares):
        share = None if draw is None else max(0.2 - index * step + noise * (draw - 0.5), 0.0)
        fed.feed(battery_share=share)
        fed.t_s += PERIOD_S
    assert len(fed.said) <= 2


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"low_share": 0.05}, r"very_low_share \(0.05\) must be less than low_share \(0.05\)"),
        ({"hot_c": 80.0, "very_hot_c": 70.0}, r"hot_c \(80.0\) must be less than very_hot_c \(70.0\)"),
        ({"low_v": 3.3}, r"very_low_v \(3.4\) must be less than low_v \(3.3\)"),
        ({"low_left_min": 10.0}, r"very_low_left_min \(10.0\) must be less than low_left_min \(10.0\)"),
    ],
)
def test_limits_that_contradict_each_other_are_refused(settings: dict[str, float], says: str) -> None:
    with pytest.raises(ValueError, match=f"power_limits: {says}"):
        PowerLimitsConfig(**settings)  # type: ignore[arg-type]
