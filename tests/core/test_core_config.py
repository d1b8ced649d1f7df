"""Settings outside their limits are refused, with the section, the key, the value and the limit."""

import dataclasses
import math

import pytest

from firmware.core.config import CoreConfig
from firmware.core.detectors.fall import FallConfig
from firmware.core.detectors.obstacle import ObstacleConfig

SECTIONS = [field.name for field in dataclasses.fields(CoreConfig)]
NUMBERS = [
    (section, field.name)
    for section in SECTIONS
    for field in dataclasses.fields(getattr(CoreConfig(), section))
    if type(getattr(getattr(CoreConfig(), section), field.name)) in (int, float)
]


CUES = {"lean", "pacing", "metronome", "budget"}
ZERO_MEANS_SOMETHING = {
    ("fall", "no_cancel_s"),
    ("health", "imu_fault_s"),
    ("imu_check", "late_for_s"),
    ("imu_check", "rate_hz"),
    ("metronome", "cadence_spm"),
    ("obstacle", "clear_s"),
    ("sway", "clear_s"),
    ("sway", "hold_s"),
}


def test_only_cues_can_be_switched_off() -> None:
    switches = {
        section
        for section in SECTIONS
        for field in dataclasses.fields(getattr(CoreConfig(), section))
        if isinstance(getattr(getattr(CoreConfig(), section), field.name), bool)
    }
    assert switches == CUES


@pytest.mark.parametrize(("section", "key"), NUMBERS)
@pytest.mark.parametrize("value", [0, -1.0, 1e9, float("nan"), float("inf"), float("-inf")])
def test_every_number_has_two_limits_and_the_message_names_it(section: str, key: str, value: float) -> None:
    config = getattr(CoreConfig(), section)
    if value == 0 and (section, key) in ZERO_MEANS_SOMETHING:
        assert getattr(dataclasses.replace(config, **{key: 0}), key) == 0
        return
    with pytest.raises(ValueError, match=f"{section}: .*{key}"):
        dataclasses.replace(config, **{key: value})


def test_numbers_that_contradict_each_other_are_refused() -> None:
    for minutes in ((15.0, 5.0), (5.0, 60.0), (0.0,)):
        with pytest.raises(ValueError, match="not_recovered_min"):
            FallConfig(not_recovered_min=minutes)


def test_no_setting_can_switch_a_warning_off() -> None:
    for key in ("system_s", "reaction_s", "margin_m", "caution_factor", "near_m"):
        with pytest.raises(ValueError, match=key):
            dataclasses.replace(ObstacleConfig(), **{key: 0.0})
    for section, key, value in (
        ("approach", "max_speed_mps", 0.1),
        ("approach", "nearing_m", 1.0),
        ("attitude", "still_s", 3600.0),
        ("steps", "least_mps2", 50.0),
        ("trunk_sway", "usual_limit_deg", 80.0),
        ("button_gesture", "presses", 10),
        ("range_check", "least_readings", 50),
        ("readiness", "patience_s", 600.0),
    ):
        with pytest.raises(ValueError, match=f"{section}: {key}"):
            dataclasses.replace(getattr(CoreConfig(), section), **{key: value})
    for minutes in ((math.nan,), (math.inf,), (1e9,)):
        with pytest.raises(ValueError, match="not_recovered_min"):
            FallConfig(not_recovered_min=minutes)
