"""Settings outside their limits are refused, with the section, the key, the value and the limit."""

import dataclasses

import pytest

from firmware.core.detectors.fall import FallConfig
from firmware.core.detectors.obstacle import ObstacleConfig
from firmware.core.pipeline import CoreConfig

SECTIONS = [field.name for field in dataclasses.fields(CoreConfig)]
NUMBERS = [
    (section, field.name)
    for section in SECTIONS
    for field in dataclasses.fields(getattr(CoreConfig(), section))
    if isinstance(getattr(getattr(CoreConfig(), section), field.name), (int, float))
]


@pytest.mark.parametrize(("section", "key"), NUMBERS)
@pytest.mark.parametrize("value", [-1.0, float("nan"), float("-inf")])
def test_every_number_has_a_limit_and_the_message_names_it(section: str, key: str, value: float) -> None:
    config = getattr(CoreConfig(), section)
    with pytest.raises(ValueError, match=f"{section}: .*{key}"):
        dataclasses.replace(config, **{key: value})


def test_numbers_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ValueError, match=r"settle_s \(0.9\) must be less than decide_s \(0.6\)"):
        FallConfig(settle_s=0.9, decide_s=0.6)
    with pytest.raises(ValueError, match="soft_impact_g"):
        FallConfig(soft_impact_g=5.0, hard_impact_g=4.0)
    for minutes in ((15.0, 5.0), (5.0, 60.0), (0.0,)):
        with pytest.raises(ValueError, match="not_recovered_min"):
            FallConfig(not_recovered_min=minutes)


def test_no_setting_can_switch_a_warning_off() -> None:
    for key in ("system_s", "reaction_s", "margin_m", "caution_factor", "near_m"):
        with pytest.raises(ValueError, match=key):
            dataclasses.replace(ObstacleConfig(), **{key: 0.0})
