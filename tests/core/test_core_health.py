"""Which parts are trusted: silence, nonsense and reported errors."""

import math
import random

import pytest
from core_scenes import walking_wearer
from hypothesis import given
from hypothesis import strategies as st

from firmware.core.detectors.imu_check import ImuCheck, ImuCheckConfig
from firmware.core.detectors.sensor_health import HealthConfig, SensorHealth
from firmware.core.messages import Detection, Hazard, Severity, Telemetry, Tick
from firmware.core.pipeline import SafetyPipeline
from hal.samples import OPTIONAL_PARTS, PARTS, ImuSample, RangeSample, SensorFault

S = 1_000_000_000
MS = 1_000_000


class ImuFeed:
    """Feeds a checker and remembers when it first complained."""

    def __init__(self, rate_hz: float = 100.0, config: ImuCheckConfig | None = None) -> None:
        self.check, self.rate_hz, self.rng = ImuCheck(config or ImuCheckConfig()), rate_hz, random.Random(4)
        self.t_ns, self.reason, self.blamed_ns = 0, "", 0

    def one(self, accel: tuple[float, float, float], gyro: tuple[float, float, float], late_ns: int = 0) -> None:
        self.t_ns += round(S / self.rate_hz)
        reason = self.check.judge(self.t_ns, ImuSample(self.t_ns - late_ns, accel, gyro))
        if reason and not self.reason:
            self.reason, self.blamed_ns = reason, self.t_ns

    def good(self, seconds: float, gravity_g: float = 1.0, late_ns: int = 0) -> "ImuFeed":
        noise = self.rng.gauss
        for _ in range(round(seconds * self.rate_hz)):
            accel = (noise(0, 0.05), noise(0, 0.05), gravity_g * 9.81 + noise(0, 0.05))
            self.one(accel, (noise(0, 0.01), noise(0, 0.01), noise(0, 0.01)), late_ns)
        return self


@given(rate_hz=st.integers(20, 400))
def test_a_good_imu_is_trusted_at_any_rate(rate_hz: int) -> None:
    assert ImuFeed(rate_hz).good(3).reason == ""


def broken(feed: ImuFeed, word: str) -> None:
    uniform = feed.rng.uniform
    for _ in range(100 if word != "slow" else 10):
        if word == "stuck":
            feed.one((0.1, 0.2, 9.8), (0.01, 0.0, 0.0))
        elif word == "zero":
            feed.one((0.0, 0.0, 0.0), (0.0, 0.0, 0.0))
        elif word == "pulled up":
            feed.one((-0.005, -0.005, -0.005), (-0.001, -0.001, -0.001))
        elif word == "garbage":
            accel = (uniform(-157, 157), uniform(-157, 157), uniform(-157, 157))
            feed.one(accel, (uniform(-35, 35), uniform(-35, 35), uniform(-35, 35)))
        elif word == "wrong range":
            feed.good(0.05, gravity_g=8.0)
        elif word == "wrong range the other way":
            feed.good(0.05, gravity_g=0.125)
        elif word == "slow":
            feed.rate_hz = 10
            feed.good(0.1)
        elif word == "delayed":
            feed.good(0.01, late_ns=200 * MS)


@pytest.mark.parametrize(
    ("word", "within_s", "says"),
    [
        ("stuck", 0.25, "stuck"),
        ("zero", 0.1, "0 g"),
        ("pulled up", 0.25, "0 g"),
        ("garbage", 0.15, "jump"),
        ("wrong range", 2.0, "gravity"),
        ("wrong range the other way", 2.0, "gravity"),
        ("slow", 1.0, "samples in the last second"),
        ("delayed", 0.2, "late"),
    ],
)
def test_a_broken_imu_is_found_in_time_and_named(word: str, within_s: float, says: str) -> None:
    feed = ImuFeed().good(3.5)
    assert feed.reason == ""
    start_ns = feed.t_ns
    broken(feed, word)
    assert says in feed.reason
    assert feed.blamed_ns - start_ns <= within_s * 1e9


def test_an_imu_that_is_slow_from_the_start_is_found_with_or_without_a_nominal_rate() -> None:
    assert "samples" in ImuFeed(10).good(2).reason
    assert ImuFeed(40).good(2).reason == ""
    assert "expected at least 80" in ImuFeed(40, ImuCheckConfig(rate_hz=100)).good(2).reason


def test_samples_that_come_in_a_bunch_do_not_raise_the_expected_rate() -> None:
    feed = ImuFeed().good(3)
    feed.rate_hz = 500
    feed.good(0.1)
    feed.rate_hz = 100
    assert feed.good(5).reason == ""


def test_0_g_without_rotation_is_never_used() -> None:
    check = ImuCheck(ImuCheckConfig())
    check.judge(0, ImuSample(0, (0.0, 0.0, 9.8), (0.0, 0.0, 0.0)))
    check.judge(10 * MS, ImuSample(10 * MS, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)))
    assert not check.usable


def test_one_late_burst_and_one_hard_impact_are_no_faults() -> None:
    feed = ImuFeed().good(2)
    feed.t_ns += 200 * MS
    for index in range(20):  # all fetched at once, after a pause of the processor
        t_ns = feed.t_ns - (19 - index) * 10 * MS
        assert feed.check.judge(feed.t_ns, ImuSample(t_ns, (0.1 * index, 0.0, 9.8), (0.0, 0.0, 0.01 * index))) == ""
    feed.one((100.0, -90.0, 60.0), (20.0, 5.0, 1.0))
    feed.one((-30.0, 20.0, 10.0), (-10.0, 5.0, 1.0))
    assert feed.good(2).reason == ""


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("axis", range(6))
def test_a_value_that_is_no_number_is_a_fault_at_once(value: float, axis: int) -> None:
    feed = ImuFeed().good(0.5)
    numbers = [0.0, 0.0, 9.8, 0.0, 0.0, 0.0]
    numbers[axis] = value
    feed.one((numbers[0], numbers[1], numbers[2]), (numbers[3], numbers[4], numbers[5]))
    assert "not a finite number" in feed.reason
    assert not feed.check.usable


def changes(health: SensorHealth, from_s: float, to_s: float) -> list[Detection]:
    return [c for ms in range(round(from_s * 1000), round(to_s * 1000), 10) for c in health.update(ms * MS)]


def heard_health() -> SensorHealth:
    health = SensorHealth(HealthConfig())
    health.update(0)
    for part in ("imu", "rangefinder", "button"):
        health.hear(part, 0)
    return health


@pytest.mark.parametrize(("part", "limit_ms"), [("imu", 300), ("rangefinder", 450), ("button", 1500)])
def test_a_silent_sensor_is_a_fault(part: str, limit_ms: int) -> None:
    health = heard_health()
    for ms in range(0, 3000, 10):
        for other in {"imu", "rangefinder", "button"} - {part}:
            health.hear(other, ms * MS)
        said = health.update(ms * MS)
        if said:
            assert limit_ms < ms <= limit_ms + 40
            assert said[0].data["part"] == part
            return
    pytest.fail("never told")


@pytest.mark.parametrize("part", PARTS)
def test_a_fault_is_over_after_two_seconds_without_proof_and_only_when_the_part_delivers(part: str) -> None:
    health = heard_health()
    health.blame(part, 100 * MS, "broken")
    told = []
    for ms in range(100, 4000, 10):
        for name in ("imu", "rangefinder", "button"):
            health.hear(name, ms * MS)
        told += [(ms, c.severity, c.data["part"]) for c in health.update(ms * MS)]
    assert [(severity, name) for _, severity, name in told] == [(Severity.FAULT, part), (Severity.NONE, part)]
    assert told[1][0] == pytest.approx(2100, abs=30)


def test_a_silent_faulty_sensor_is_not_well_again() -> None:
    health = heard_health()
    told = changes(health, 0.0, 10.0)
    assert {c.data["part"] for c in told} == {"imu", "rangefinder", "button"}
    assert all(c.severity is Severity.FAULT for c in told)


def fault(part: str, kind: str, t_ns: int) -> SensorFault:
    return SensorFault(t_ns, part, kind, f"{part}: {kind}")


@pytest.mark.parametrize(
    ("part", "kind", "reports", "alarmed"),
    [
        ("imu", "BusError", 1, False),
        ("imu", "NoData", 4, False),
        ("imu", "Overflow", 5, True),
        ("imu", "WrongConfig", 1, True),
        ("imu", "WrongDevice", 1, True),
        ("imu", "DeviceNotFound", 1, True),
        ("rangefinder", "NoEcho", 2, False),
        ("rangefinder", "NoEcho", 3, True),
        ("rangefinder", "EchoStuck", 3, True),
        ("rangefinder", "ImplausibleEcho", 3, True),
        ("button", "ContactFault", 1, True),
        ("buzzer", "OutputFault", 1, True),
        ("motor", "OutputFault", 1, True),
        ("barometer", "Nobody", 1, True),
    ],
)
def test_how_often_a_part_may_fail_before_it_is_a_fault(part: str, kind: str, reports: int, alarmed: bool) -> None:
    health = heard_health()
    for index in range(reports):
        health.report(index * 5 * MS, fault(part, kind, index * 5 * MS))
    health.hear("imu", 50 * MS)
    health.hear("rangefinder", 50 * MS)
    assert bool(changes(health, 0.05, 0.2)) is alarmed


def test_failed_transfers_without_a_good_one_are_a_fault_after_100_ms() -> None:
    health = heard_health()
    health.report(0, fault("imu", "BusError", 0))
    health.hear("rangefinder", 0)
    told = changes(health, 0.0, 0.2)
    assert [c.data["part"] for c in told] == ["imu"]


def test_half_of_the_pings_lost_is_a_fault_though_never_three_in_a_row() -> None:
    health = heard_health()
    told = []
    for index in range(40):
        t_ns = index * 60 * MS
        health.hear("imu", t_ns)
        health.hear("button", t_ns)
        if index % 2:
            health.report(t_ns, fault("rangefinder", "NoEcho", t_ns))
        else:
            health.hear("rangefinder", t_ns)
        told += health.update(t_ns)
    assert [c.data["part"] for c in told] == ["rangefinder"]


@pytest.mark.parametrize(("every", "faulty"), [(2, True), (5, False)])
def test_pings_are_counted_by_share_however_long_the_driver_listens_after_a_lost_one(every: int, faulty: bool) -> None:
    health, t_ms = heard_health(), 0
    for index in range(40):
        lost = index % every == 1
        t_ms += 310 if lost else 60
        for ms in range(t_ms - 50, t_ms, 10):
            for name in ("imu", "button"):
                health.hear(name, ms * MS)
            health.update(ms * MS)
        if lost:
            health.report(t_ms * MS, fault("rangefinder", "NoEcho", t_ms * MS))
        else:
            health.hear("rangefinder", t_ms * MS)
        if faulty and not health.ok("rangefinder"):
            return
    assert not faulty
    assert health.ok("rangefinder")


def test_a_part_that_is_not_ready_is_told_but_trusted() -> None:
    health = SensorHealth(HealthConfig())
    health.expect("imu", 0, "not ready: stand still")
    told = health.update(0)
    assert [(c.severity, c.data["reason"]) for c in told] == [(Severity.FAULT, "not ready: stand still")]
    assert health.ok("imu")
    assert not health.parts(0)["imu"].ok
    health.expect("imu", 10 * MS, "")
    assert [c.severity for c in health.update(10 * MS)] == [Severity.NONE]


def test_lost_ranges_make_every_sample_useless_until_a_second_reads_1_g_again() -> None:
    feed = ImuFeed().good(2).good(2, gravity_g=2.0)
    for _ in range(50):
        feed.good(0.01, gravity_g=2.0)
        assert not feed.check.usable
    feed.good(2.1)
    assert feed.check.usable


@pytest.mark.parametrize("gravity_g", [0.69, 0.78, 1.22, 1.52])  # of people who lay still after a fall, in KFall
def test_a_sensor_that_reads_another_gravity_on_another_axis_is_no_fault(gravity_g: float) -> None:
    assert ImuFeed().good(2).good(4, gravity_g=gravity_g).reason == ""


@pytest.mark.parametrize("gravity_g", [0.25, 0.5, 2.0, 4.0])
def test_a_lost_range_is_a_fault(gravity_g: float) -> None:
    assert "gravity" in ImuFeed().good(2).good(4, gravity_g=gravity_g).reason


def test_a_button_held_for_ten_seconds_is_stuck() -> None:
    health = heard_health()
    for ms in range(0, 11_000, 50):
        health.press(ms * MS, True)  # said again and again
        for part in ("imu", "rangefinder", "button"):
            health.hear(part, ms * MS)
        for change in health.update(ms * MS):
            assert change.data["part"] == "button"
            assert ms >= 10_000
    assert not health.ok("button")


def test_ages_are_told_and_never_negative() -> None:
    health = heard_health()
    parts = health.parts(2 * S)
    assert list(parts) == list(PARTS)
    assert parts["imu"].age_s == 2.0
    assert parts["motor"].age_s is None
    assert health.parts(-5)["imu"].age_s == 0


@pytest.mark.parametrize("word", ["zero", "stuck", "garbage"])
def test_a_broken_imu_is_never_a_fall(word: str) -> None:
    wearer = walking_wearer()
    rng = random.Random(8)
    for _ in range(600):
        wearer.t_s += 0.01
        if word == "garbage":
            accel = (rng.uniform(-157, 157), rng.uniform(-157, 157), rng.uniform(-157, 157))
            gyro = (rng.uniform(-35, 35), rng.uniform(-35, 35), rng.uniform(-35, 35))
        else:
            accel, gyro = ((0.0, 0.0, 0.0) if word == "zero" else (9.0, 0.1, 1.0)), (0.0, 0.0, 0.0)
        wearer.send(ImuSample(wearer.t_ns, accel, gyro))
    assert wearer.alerts(Hazard.FALL) == []
    assert wearer.alerts(Hazard.FAULT)[0].data["part"] == "imu"


@pytest.mark.parametrize("part", OPTIONAL_PARTS)
def test_a_broken_part_that_protects_nobody_is_a_caution_and_no_fault(part: str) -> None:
    health = SensorHealth(HealthConfig())
    told: list[Detection] = []
    for i in range(20):
        for guarding in ("imu", "rangefinder", "button"):
            health.hear(guarding, i * 60 * MS)
        health.report(i * 60 * MS, SensorFault(i * 60 * MS, part, "NoEcho", f"{part}: no echo"))
        told += health.update(i * 60 * MS)
    assert [(found.severity, found.data["part"]) for found in told] == [(Severity.CAUTION, part)]


def test_one_lost_ping_of_the_second_rangefinder_is_only_counted() -> None:
    health = SensorHealth(HealthConfig())
    health.hear("low_rangefinder", 0)
    health.report(60 * MS, SensorFault(60 * MS, "low_rangefinder", "NoEcho", "low_rangefinder: no echo"))
    assert health.ok("low_rangefinder")


def test_what_the_second_rangefinder_sees_is_no_obstacle_behind() -> None:
    pipeline = SafetyPipeline()
    for i in range(60):
        pipeline.step(RangeSample(i * 60 * MS, 0.3, "low_rangefinder"))
    telemetry = [output for output in pipeline.step(Tick(4 * S)) if isinstance(output, Telemetry)]
    assert telemetry
    assert telemetry[0].distance_m is None


@pytest.mark.parametrize(("unheard_ns", "trusted"), [(20 * MS, True), (160 * MS, False)])
def test_one_failed_transfer_that_took_long_is_no_passing_one(unheard_ns: int, trusted: bool) -> None:
    health = SensorHealth(HealthConfig())
    health.hear("imu", S)
    health.report(S + unheard_ns, SensorFault(S + unheard_ns, "imu", "BusError", "timed out"))
    assert health.ok("imu") is trusted


def test_second_rangefinder_that_falls_silent_is_told() -> None:
    health = SensorHealth(HealthConfig())
    told: list[Detection] = []
    for i in range(20):
        for part in ("imu", "rangefinder", "button", *(["low_rangefinder"] if i < 5 else [])):
            health.hear(part, i * 60 * MS)
        told += health.update(i * 60 * MS)
    assert [(found.severity, found.data["part"]) for found in told] == [(Severity.CAUTION, "low_rangefinder")]
    assert "silent for 0.48 s" in str(told[0].data["reason"])
