"""Worn tilted, on its side or upside down: no walk begins as if all were well, and falls are seen all the same."""

import math
from dataclasses import replace

import pytest
from core_scenes import Wearer
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware.core.config import CoreConfig
from firmware.core.course import READY_CHIRPS
from firmware.core.detectors.mounting_check import MountingCheck, MountingCheckConfig
from firmware.core.messages import Hazard, Health, Pattern, Severity
from hal.imu.mounting import Mounting, square_mountings
from hal.samples import ImuSample, Vector

LIMIT_DEG = MountingCheckConfig().max_tilt_deg
UP: Vector = (0.0, 0.0, 1.0)


def tilted(deg: float, toward_deg: float) -> Vector:
    """Up, as a device feels it that leans by `deg`; 0 is forward, 90 to the left."""
    tilt, toward = math.radians(deg), math.radians(toward_deg)
    return (-math.sin(tilt) * math.cos(toward), -math.sin(tilt) * math.sin(toward), math.cos(tilt))


def tilt_deg(up: Vector) -> float:
    return math.degrees(math.acos(max(-1.0, min(1.0, up[2]))))


@settings(max_examples=400)
@given(worn=st.sampled_from(square_mountings()), deg=st.floats(0.0, 60.0), toward_deg=st.floats(0.0, 360.0))
def test_each_of_the_24_orientations_is_refused_exactly_when_up_is_too_far_from_up(
    worn: Mounting, deg: float, toward_deg: float
) -> None:
    up = worn.to_body(tilted(deg, toward_deg))
    refused = MountingCheck(MountingCheckConfig()).judge(up)
    assert bool(refused) == (tilt_deg(up) > LIMIT_DEG)
    assert not refused or "run `rearguard calibrate`" in refused


@pytest.mark.parametrize("worn", square_mountings())
def test_a_wrong_axis_pointing_up_is_always_refused(worn: Mounting) -> None:
    """Four of the 24 have the right one up: gravity cannot tell where these look."""
    up = worn.to_body(UP)
    assert bool(MountingCheck(MountingCheckConfig()).judge(up)) == (worn.up != "+z")


@pytest.mark.parametrize(
    ("toward_deg", "words"), [(0, "forward"), (180, "backward"), (90, "to the left"), (270, "to the right")]
)
def test_it_says_how_far_and_where_it_leans(toward_deg: float, words: str) -> None:
    reason = MountingCheck(MountingCheckConfig()).judge(tilted(50.0, toward_deg))
    assert f"worn tilted by 50 deg {words}: turn it upright" in reason
    assert "worn upside down: turn it" in MountingCheck(MountingCheckConfig()).judge((0.1, 0.0, -0.99))


def test_before_anybody_stood_nothing_is_said() -> None:
    assert MountingCheck(MountingCheckConfig()).judge(None) == ""


# The whole core


class Turned(Wearer):
    """A wearer whose device was clipped on another way than its mounting says."""

    worn = Mounting()

    def _sample(self, pitch_rad: float, dt_s: float, stepping: bool, jolt_mps2: float) -> ImuSample:
        sample = super()._sample(pitch_rad, dt_s, stepping, jolt_mps2)
        return replace(
            sample, accel_mps2=self.worn.to_body(sample.accel_mps2), gyro_radps=self.worn.to_body(sample.gyro_radps)
        )


def reasons(wearer: Wearer) -> list[str]:
    return [str(a.data["reason"]) for a in wearer.alerts(Hazard.FAULT) if a.severity is Severity.FAULT]


@pytest.mark.parametrize("deg", [-43, -25, 0, 25, 43])
def test_who_wears_it_as_people_do_is_ready(deg: float) -> None:
    wearer = Wearer(mounting_deg=deg).stand(3.5)
    assert wearer.walk_states() == ["before", "ready"]
    assert wearer.stand(25).alerts() == []


@pytest.mark.parametrize("deg", [-58, -47, 47, 58])
def test_who_wears_it_tilted_is_told_to_clip_it_on_anew_and_at_her_first_steps_of_the_fault(deg: float) -> None:
    wearer = Wearer(mounting_deg=deg).stand(5)
    assert wearer.walk_states() == ["before"]
    assert wearer.severities(Hazard.MOUNTING) == [Severity.CAUTION]
    assert set(wearer.patterns()) == {Pattern.WORN_WRONG, Pattern.SILENT}
    wearer.walk(5)
    (reason,) = reasons(wearer)
    assert f"worn tilted by {abs(deg)} deg {'forward' if deg > 0 else 'backward'}" in reason
    assert Pattern.FAULT in wearer.patterns()
    assert not set(READY_CHIRPS) & set(wearer.patterns())
    assert wearer.walk_states() == ["before"]
    health = [o for o in wearer.outputs if isinstance(o, Health)][-1]
    assert not health.parts["imu"].ok


def test_who_only_stands_there_is_told_of_a_fault_after_20_s() -> None:
    wearer = Wearer(mounting_deg=50).stand(19.5)
    assert reasons(wearer) == []
    assert "worn tilted by 50 deg forward" in reasons(wearer.stand(2.5))[0]


@pytest.mark.parametrize(
    "worn", [mounting for mounting in square_mountings() if mounting.up != "+z"], ids=lambda mounting: mounting.words()
)
def test_worn_on_another_side_or_upside_down_it_never_says_ready(worn: Mounting) -> None:
    wearer = Turned()
    wearer.worn = worn
    wearer.stand(21.5)
    assert wearer.walk_states() == ["before"]
    (reason,) = reasons(wearer)
    assert ("upside down" in reason) == (worn.up == "-z")
    assert ("tilted by 90 deg" in reason) == (worn.up != "-z")


@pytest.mark.parametrize("deg", [-55, -48, 48, 55])
@pytest.mark.parametrize("told", [False, True])
def test_a_fall_is_found_though_it_is_worn_too_far_tilted(deg: float, told: bool) -> None:
    wearer = Wearer(mounting_deg=deg).stand(22 if told else 3).walk(3)
    wearer.fall(lies_s=2)
    assert wearer.severities(Hazard.FALL) == [Severity.SUSPECTED]
    wearer.lie(31)
    assert wearer.severities(Hazard.FALL) == [Severity.SUSPECTED, Severity.CONFIRMED]


@pytest.mark.parametrize("deg", [-55, 55])
def test_who_lies_still_without_an_impact_is_asked_before_her_lying_is_taken_for_standing(deg: float) -> None:
    wearer = Wearer(mounting_deg=deg).stand(22)
    wearer.live(2.0, pitch_deg=lambda t: -90.0 * t / 2.0).lie(20)
    assert wearer.severities(Hazard.FALL)[:1] == [Severity.SUSPECTED]


@pytest.mark.parametrize("deg", [50, -50])
def test_who_turns_it_is_ready_after_standing_still_and_her_new_upright_counts(deg: float) -> None:
    wearer = Wearer(mounting_deg=deg).stand(22)
    assert reasons(wearer)
    wearer.mounting_rad = math.radians(5)
    wearer.stand(8)
    assert wearer.walk_states() == ["before", "ready"]
    assert Pattern.READY_3 in wearer.patterns()
    assert wearer.alerts(Hazard.FAULT)[-1].severity is Severity.NONE
    leans = wearer.pipeline._attitude
    assert math.degrees(leans.pitch_rad) == pytest.approx(0, abs=1)
    wearer.walk(5).fall(lies_s=2)
    assert wearer.severities(Hazard.FALL) == [Severity.SUSPECTED]


@pytest.mark.parametrize("turn_s", [1.0, 3.0, 6.0])
def test_a_slow_turn_of_the_device_is_not_averaged_into_the_upright(turn_s: float) -> None:
    wearer = Wearer(mounting_deg=50).stand(22)
    wearer.live(turn_s, pitch_deg=lambda t: -50.0 * t / turn_s)
    wearer.mounting_rad = 0.0
    wearer.stand(9)
    assert wearer.walk_states() == ["before", "ready"]
    assert math.degrees(wearer.pipeline._attitude.pitch_rad) == pytest.approx(0, abs=3)


def test_an_upright_that_is_good_is_learned_once_and_no_later_stance_changes_it() -> None:
    wearer = Wearer(mounting_deg=10).stand(4)
    wearer.live(30, pitch_deg=lambda t: min(25.0, 25.0 * t))
    assert math.degrees(wearer.pipeline._attitude.pitch_rad) == pytest.approx(25, abs=1.5)


def test_the_limit_is_a_setting_between_15_and_60_degrees() -> None:
    strict = replace(CoreConfig(), mounting_check=MountingCheckConfig(25.0))
    assert Wearer(strict, mounting_deg=30).stand(4).walk_states() == ["before"]
    assert Wearer(strict, mounting_deg=20).stand(4).walk_states() == ["before", "ready"]
    for deg in (14.9, 60.1, math.nan):
        with pytest.raises(ValueError, match="mounting_check: max_tilt_deg"):
            MountingCheckConfig(deg)
