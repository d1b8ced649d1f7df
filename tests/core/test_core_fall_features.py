"""What a possible fall looked like, in numbers that do not depend on the sensor."""

import math

import pytest
from support.slices import Bobbing

from firmware.core.estimators.fall_features import FEATURES, LOOKS_NS, FallLooks, Look
from firmware.core.estimators.motion import KEPT_S
from firmware.core.models import fall_later, fall_possible, fall_suspected
from firmware.core.moving import Moving
from hal.samples import Vector
from hal.sim.world.scenarios import scenario

S = 1_000_000_000
UP: Vector = (0.0, 0.0, 1.0)


def looks(
    name: str, rate_hz: int, *, upside_down: bool = False, gyroscope: bool = True, until_s: float = 16.0
) -> list[Look]:
    world, moving = scenario(name), Moving()
    looking, found = FallLooks(), []
    for index in range(round(until_s * rate_hz)):
        t_ns, (force, rate) = index * S // rate_hz, world.motion(index / rate_hz)
        if upside_down:
            force, rate = ((v[0], -v[1], -v[2]) for v in (force, rate))
        if moving.take(t_ns, force, rate if gyroscope else (0.0, 0.0, 0.0)):
            found += looking.update(moving.motion.slices, moving.attitude.upright)
    return found


def of_the_fall(found: list[Look], number: int) -> dict[str, float]:
    hardest = max((look for look in found if look.number == number), key=lambda look: look.peak_mps2)
    return dict(zip(FEATURES, hardest.features, strict=True))


@pytest.mark.parametrize("rate_hz", [50, 64, 200])
def test_features_are_about_the_same_at_any_rate(rate_hz: int) -> None:
    usual, other = (of_the_fall(looks("fall", hz), 1) for hz in (100, rate_hz))
    assert other["end_tilt_rad"] == pytest.approx(usual["end_tilt_rad"], abs=0.05)
    assert other["falling_tilted_rad"] == pytest.approx(usual["falling_tilted_rad"], abs=0.1)
    assert other["falling_turning_radps"] == pytest.approx(usual["falling_turning_radps"], rel=0.1)
    assert other["impact_stop_mps"] == pytest.approx(usual["impact_stop_mps"], rel=0.25)


def test_upside_down_changes_nothing() -> None:
    usual, turned = (of_the_fall(looks("fall", 100, upside_down=turn), 1) for turn in (False, True))
    assert list(turned.values()) == pytest.approx(list(usual.values()), abs=1e-6)


def test_a_fall_looks_like_what_it_is() -> None:
    seen = of_the_fall(looks("fall", 100), 1)
    assert seen["end_tilt_rad"] == pytest.approx(math.radians(88), abs=0.1)
    assert seen["end_turned_rad"] == pytest.approx(seen["end_tilt_rad"], abs=0.15)
    assert seen["falling_least_g"] < 0.6
    assert seen["impact_g"] > 3.0
    assert seen["before_tilt_rad"] < 0.2


def test_without_a_gyroscope_turning_is_0_and_the_rest_stays_sane() -> None:
    seen = of_the_fall(looks("fall", 100, gyroscope=False), 1)
    assert all(value == 0.0 for name, value in seen.items() if "turning" in name)
    assert seen["end_tilt_rad"] > math.radians(40), "the accelerometer alone follows slowly"


def test_each_peak_is_looked_at_three_times_and_steps_have_none() -> None:
    found = looks("fall", 100)
    hardest = max(found, key=lambda look: look.peak_mps2)
    ages = [look.number for look in found if look.peak_ns == hardest.peak_ns]
    assert ages == list(range(len(LOOKS_NS)))
    assert [look for look in looks("quiet", 100) if look.peak_mps2 > 2.5 * 9.80665] == []


def test_a_peak_at_the_very_beginning_is_looked_at_too() -> None:
    bobbing, looking, found = Bobbing(), FallLooks(), []
    for index in range(250):
        if bobbing.add(index * S // 100, 30.0 if index == 1 else 0.0, 0.0, 0.0, UP):
            found += looking.update(bobbing.motion.slices, None)
    assert [look.number for look in found] == [0, 1, 2]
    assert all(math.isfinite(value) for look in found for value in look.features)


def test_two_peaks_that_come_due_together_after_a_pause_are_both_looked_at() -> None:
    bobbing, looking, found = Bobbing(), FallLooks(), []
    times_ns = [*range(0, S, S // 100), *range(4 * S, 5 * S, S // 100)]
    for t_ns in times_ns:
        if bobbing.add(t_ns, 30.0 if t_ns in (30 * S // 100, 80 * S // 100) else 0.0, 0.0, 0.0, UP):
            found += looking.update(bobbing.motion.slices, None)
    assert sorted(look.number for look in found) == [0, 0, 1, 1, 2, 2]
    assert not looking.pending


def test_a_device_that_dangles_from_its_clip_has_no_falls() -> None:
    for turning_radps, shown in ((2.0, 3), (6.0, 0)):
        bobbing, looking, found = Bobbing(), FallLooks(), []
        for index in range(600):
            if bobbing.add(index * S // 100, 20.0 if index == 350 else 0.0, turning_radps, 0.0, UP):
                found += looking.update(bobbing.motion.slices, None)
        assert len(found) == shown


def test_the_history_keeps_its_seconds_and_forgets_at_a_gap() -> None:
    bobbing = Bobbing()
    motion = bobbing.motion
    for index in range(2000):
        bobbing.add(index * S // 100, 0.0, 0.0, 0.0, UP)
    assert (motion.slices[-1].t_ns - motion.slices[0].t_ns) / 1e9 == pytest.approx(KEPT_S, abs=0.021)
    assert motion.slices[-1].span_s == pytest.approx(0.02)
    motion.restart()
    assert not motion.slices


@pytest.mark.parametrize("model", [fall_possible, fall_suspected, fall_later])
def test_the_trees_were_grown_for_these_features(model: object) -> None:
    assert model.FEATURES == FEATURES  # type: ignore[attr-defined]


def test_the_trees_tell_a_fall_from_sitting_down_hard() -> None:
    fell = max(fall_suspected.score(look.features) for look in looks("fall", 100) if look.number == 1)
    sat = max(fall_suspected.score(look.features) for look in looks("sit", 100) if look.number == 1)
    assert fell > fall_suspected.LIMIT > sat
